"""Adam on a list of tensors, with a state that can be saved and restored exactly."""

import math

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS = (0.9, 0.999)


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1) for `parameters`, updated in place by `step`.

    A thin wrapper around torch's functional form: the class in torch.optim imports the compiler at its first step,
    which takes longer than many of our jobs compute. With `epsilon_hat` the small constant is added before the
    bias correction (the paper's "epsilon hat", end of section 2), as TensorFlow does: where gradients are as
    small as epsilon, the other form moves up to thirty times further in the first steps.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        *,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        epsilon_hat: bool = False,
        fused: bool = False,
    ):
        self.parameters = parameters
        self.epsilon, self.weight_decay, self.epsilon_hat, self.fused = epsilon, weight_decay, epsilon_hat, fused
        # laid out as the parameters: the fused step reads the moments in their order
        self.first = [torch.zeros_like(parameter) for parameter in parameters]
        self.second = [torch.zeros_like(parameter) for parameter in parameters]
        self.steps = [torch.zeros((), device=parameter.device if fused else None) for parameter in parameters]
        self.moments = {"first_moment": self.first, "second_moment": self.second}

    def continue_at(self, step: int) -> None:
        """The next step is one after so many."""
        for steps in self.steps:
            steps.fill_(step)

    @torch.no_grad()
    def step(self, gradients: list[Tensor], learning_rate: float) -> None:
        """One update of all parameters by their gradients."""
        epsilon = self.epsilon
        if self.epsilon_hat:
            epsilon /= math.sqrt(1 - BETAS[1] ** (self.steps[0].item() + 1))
        adam(
            self.parameters,
            gradients,
            self.first,
            self.second,
            [],
            self.steps,
            foreach=False,
            fused=self.fused,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=learning_rate,
            weight_decay=self.weight_decay,
            eps=epsilon,
            maximize=False,
        )
