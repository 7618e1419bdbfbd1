"""Stochastic gradient descent with momentum, with a state that can be saved and restored exactly."""

import torch
from torch import Tensor


class Sgd:
    """Gradient descent with heavy-ball momentum for `parameters`, updated in place by `step`.

    v = momentum v + gradient + weight_decay parameter, parameter -= rate v, from v = 0. Polyak, "Some methods of
    speeding up the convergence of iteration methods", USSR Computational Mathematics and Mathematical Physics 4 (1964).
    """

    def __init__(self, parameters: list[Tensor], *, momentum: float, weight_decay: float):
        self.parameters, self.momentum, self.weight_decay = parameters, momentum, weight_decay
        self.moments = {"velocity": [torch.zeros_like(parameter) for parameter in parameters]}

    def continue_at(self, step: int) -> None:
        """Nothing depends on the number of the step."""

    @torch.no_grad()
    def step(self, gradients: list[Tensor], learning_rate: float) -> None:
        """One update of all parameters by their gradients."""
        for parameter, velocity, gradient in zip(self.parameters, self.moments["velocity"], gradients, strict=True):
            velocity.mul_(self.momentum).add_(gradient).add_(parameter, alpha=self.weight_decay)
            parameter.sub_(velocity, alpha=learning_rate)
