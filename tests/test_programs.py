"""Programs that were exported wrongly: what is refused, and what is set right with a note."""

import pytest
import torch
from torch import nn

from spurious.errors import SpuriousError
from test_pretrained import PROGRAMS, Small, opened, some_images

pytestmark = pytest.mark.usefixtures("one_thread")


class Forgotten(Small):
    """The layer after the features stays in training mode, whatever eval() says."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def train(self, mode=True):
        return super().train(True)

    def forward(self, images):
        return self.head(self.layer(self.features(images)).relu().mean(dim=(2, 3)))


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("kind", PROGRAMS)
def test_dropout_left_on(tmp_path, kind, count):
    model, _ = opened(tmp_path, PROGRAMS[kind](Forgotten(nn.Dropout(0.5))), {kind: "x"})
    with pytest.raises(SpuriousError, match=r"differently each time; call eval\(\) and export") as caught:
        model(some_images(8, count))
    assert "\n" not in str(caught.value)


def test_batch_normalization_left_in_training_mode(tmp_path):
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](Forgotten(nn.BatchNorm2d(8))), {"torchscript": "x"})
    with pytest.raises(SpuriousError, match=r"depends on the other images; call eval\(\) and export"):
        model(some_images(8))


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm2d(8)])
def test_in_evaluation_mode_both_are_right(tmp_path, layer):
    net = Forgotten(layer)
    nn.Module.train(net, False)
    model, _ = opened(tmp_path, PROGRAMS["torchscript"](net), {"torchscript": "x"})
    images = some_images(8)
    with torch.no_grad():
        torch.testing.assert_close(model(images), net(images))
