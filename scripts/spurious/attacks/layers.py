"""The layers of any network by name, for searches that read them."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from spurious.attacks.cost import OUTPUT_LAYER
from spurious.errors import SpuriousError
from spurious.modules import evaluating

INPUT_LAYER = "input"


class Layered(nn.Module):
    """A network (N, C, H, W) to logits (N, K) with `activations`, read by forward hooks.

    `layers` are names of its `named_modules()`, in the order of the searches' terms; the images are "input" and the
    logits "softmax" beside them. It is used in evaluation mode, and left as it was. Raises SpuriousError for a name
    that the network does not have, and for one that is taken.

    >>> import torch
    >>> from torch import nn
    >>> from spurious.attacks.layers import Layered
    >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 10))
    >>> layers = Layered(network, ["0"]).activations(torch.zeros(1, 1, 4, 4))
    >>> {name: tuple(values.shape) for name, values in layers.items()}
    {'input': (1, 1, 4, 4), '0': (1, 2, 2, 2), 'softmax': (1, 10)}
    """

    def __init__(self, network: nn.Module, layers: Sequence[str] = ()):
        super().__init__()
        known = dict(network.named_modules())
        for name in layers:
            if name in (INPUT_LAYER, OUTPUT_LAYER):
                raise SpuriousError(f"layer {name!r}: the images and the logits have this name; leave it out")
            if not name or name not in known:
                raise SpuriousError(
                    f"layer {name!r}: not in this network; its layers are {', '.join(filter(None, known))}"
                )
        self.network, self.layers = network, tuple(layers)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K)."""
        with evaluating(self.network):
            return self.network(images)

    def activations(self, images: Tensor) -> dict[str, Tensor]:
        """Every layer by name, each (N, ...), from the input to the logits; differentiable.

        Of a layer that is called more than once, the last output counts. Raises SpuriousError where a layer is not
        called, or gives anything but one tensor.
        """
        found: dict[str, Tensor] = {}
        hooks = [self.network.get_submodule(name).register_forward_hook(_keep(found, name)) for name in self.layers]
        try:
            logits = self(images)
        finally:
            for hook in hooks:
                hook.remove()
        for name in self.layers:
            if not isinstance(found.get(name), Tensor):
                raise SpuriousError(f"layer {name!r}: gives no single tensor for these images; leave it out")
        return {INPUT_LAYER: images, **{name: found[name] for name in self.layers}, OUTPUT_LAYER: logits}


def _keep(found: dict[str, Tensor], name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
    """A forward hook that keeps the output, whatever a later layer writes into it in place."""

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        found[name] = output.clone() if isinstance(output, Tensor) else output

    return keep
