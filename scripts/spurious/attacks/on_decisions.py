"""Attacks on the whole decision of a classifier that may reject, by their kind."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from spurious.errors import SpuriousError
from spurious.parameters import Name, Seed
from spurious.registry import Entry

if TYPE_CHECKING:  # planning reads settings without torch
    from torch import Tensor

    from spurious.attacks.white_box import Kept
    from spurious.attacks.within import Attacked, Found, Starts, Within

Steps = Annotated[int, Field(ge=1, description="steps of every search, 1 or more")]
Restarts = Annotated[int, Field(ge=1, description="how often every search is run, the first time from the image")]


class DecisionAttack(Entry):
    """A search for images within a ball that have its `goal`: a "wrong" class that is not rejected, or "rejected".

    `sees`: what it knows of the defence, where "classifier" is the gradient of the classifier without it, and "another"
    that of another classifier.
    """

    remedy = "an attack on the decision, by name or with its kind and parameters"
    goal: ClassVar[Literal["wrong", "rejected"]] = "wrong"
    sees: ClassVar[Literal["gradient", "classifier", "another", "scores", "decisions", "nothing"]] = "gradient"
    any_size: ClassVar[bool] = False  # whether the ball only cuts what is found: one search serves every size
    norms: ClassVar[tuple[str, ...] | None] = None  # the only ones that its search is made for; None: every one

    def knowing(self, others: "Sequence[Tensor]") -> Self:
        """With images (C, H, W) in [0, 1] of the kind that is attacked, of any size, at which it may begin."""
        return self

    def for_one_batch(self) -> Self:
        """For calls on the same images, with the same seed, behind one defence after the other: what does not depend on
        the defence may be kept for the next one.
        """
        return self

    def _with(self, **private: object) -> Self:
        """A copy with these private attributes."""
        own = self.model_copy()
        for name, value in private.items():
            setattr(own, name, value)
        return own

    @abstractmethod
    def __call__(
        self, attacked: "Attacked", undefended: "Attacked", starts: "Starts", ball: "Within", *, seed: int
    ) -> "Found":
        """Images within the ball around the starts, judged by `attacked`; `undefended` is its classifier.

        The images are in [0, 1], and within epsilon but for rounding (1e-6). What is drawn for an image is decided by
        (seed, id): its result does not depend on the other starts, but for rounding.
        """


class WhiteBox(DecisionAttack, kind="white-box"):
    """The gradient of several objectives, away from the label and towards the likeliest wrong classes, with APGD.

    Searches towards classes all begin at the image: `restarts` are of those away from the label.

    >>> import torch
    >>> from torch import nn
    >>> from spurious.attacks.on_decisions import WhiteBox
    >>> from spurious.attacks.within import Starts, Within
    >>> from spurious.defences.defended import Defended
    >>> from spurious.defences.entries import Undefended, Vote
    >>> class Brightness(nn.Module):
    ...     def forward(self, images):
    ...         mean = images.mean((1, 2, 3))
    ...         return 10 * torch.stack([0.5 - mean, mean - 0.5], 1)  # dark, bright
    >>> vote, undefended = Defended(Vote(), Brightness()), Defended(Undefended(), Brightness())
    >>> starts = Starts(images=torch.full((1, 1, 8, 8), 0.4), labels=torch.tensor([0]), ids=["one"])
    >>> found = WhiteBox(steps=5, targets=1)(vote, undefended, starts, Within(norm="linf", epsilon=0.2), seed=0)
    >>> found.success, vote.decide(found.images)
    (tensor([True]), tensor([1]))
    """

    steps: Steps = 100
    restarts: Restarts = 1
    targets: int = Field(9, ge=0, description="how many of the likeliest wrong classes are targets, 0 or more")
    away: bool = Field(True, description="whether it also searches away from the label, true or false")
    target_losses: Literal["joint", "all"] = Field(
        "joint",
        description="losses of the searches towards targets, joint (the decision's) or all (as away from the label)",
    )

    def __call__(
        self,
        attacked: "Attacked",
        undefended: "Attacked",
        starts: "Starts",
        ball: "Within",
        *,
        seed: int,
        on_steps: Callable[[int, int], object] = lambda done, total: None,
    ) -> "Found":
        """By `spurious.attacks.white_box.white_box`."""
        from spurious.attacks.white_box import white_box

        options = self.model_dump(include={"steps", "restarts", "targets", "away", "target_losses"})
        return white_box(attacked, starts, ball, seed=seed, on_steps=on_steps, **options)


class WithoutDefence(DecisionAttack):
    """An attack that follows a classifier without a defence, with APGD: its images are the same for every defence."""

    steps: Steps = 100
    restarts: Restarts = 1
    _kept: "Kept | None" = PrivateAttr(None)

    def for_one_batch(self) -> Self:
        """With a memory of its own."""
        return self._with(_kept={})

    @property
    def _how(self) -> dict[str, object]:
        return {"steps": self.steps, "restarts": self.restarts, "kept": self._kept}


class Oblivious(WithoutDefence, kind="oblivious"):
    """The gradient of the undefended classifier, with APGD; the defence is not known."""

    sees = "classifier"

    def __call__(
        self, attacked: "Attacked", undefended: "Attacked", starts: "Starts", ball: "Within", *, seed: int
    ) -> "Found":
        """By `spurious.attacks.white_box.oblivious`."""
        from spurious.attacks.white_box import oblivious

        return oblivious(attacked, undefended, starts, ball, seed=seed, **self._how)


class Transfer(WithoutDefence, kind="transfer"):
    """The gradient of another undefended classifier, with APGD; of the attacked one nothing is known."""

    sees = "another"
    classifier: Name | None = Field(
        None,
        description="name of the classifier whose gradient is followed (null for the attacked one, of another seed)",
    )
    seed: Seed | None = Field(None, description="seed of its training (null for the next one of the experiment)")
    _source: "Attacked | None" = PrivateAttr(None)

    def following(self, source: "Attacked") -> Self:
        """With the classifier whose gradient it follows."""
        return self._with(_source=source)

    def __call__(
        self, attacked: "Attacked", undefended: "Attacked", starts: "Starts", ball: "Within", *, seed: int
    ) -> "Found":
        """By `spurious.attacks.white_box.transfer`; SpuriousError where it follows nothing."""
        from spurious.attacks.white_box import transfer

        if self._source is None:
            raise SpuriousError("transfer: the classifier whose gradient it follows is missing; leave this attack out")
        return transfer(attacked, self._source, starts, ball, seed=seed, **self._how)


class Denial(DecisionAttack, kind="denial"):
    """The gradient of a rejection, with APGD."""

    goal = "rejected"
    steps: Steps = 100
    restarts: Restarts = 1

    def __call__(
        self, attacked: "Attacked", undefended: "Attacked", starts: "Starts", ball: "Within", *, seed: int
    ) -> "Found":
        """By `spurious.attacks.white_box.deny`."""
        from spurious.attacks.white_box import deny

        return deny(attacked, starts, ball, seed=seed, steps=self.steps, restarts=self.restarts)


class Square(DecisionAttack, kind="square"):
    """Random search with squares, which sees the scores of the decision."""

    sees = "scores"
    norms = ("linf", "l2")  # in each its squares are others
    queries: int = Field(1000, ge=1, description="images that may be judged for each start, 1 or more")

    def __call__(
        self, attacked: "Attacked", undefended: "Attacked", starts: "Starts", ball: "Within", *, seed: int
    ) -> "Found":
        """By `spurious.attacks.square.square`."""
        from spurious.attacks.square import square

        return square(attacked, starts, ball, seed=seed, queries=self.queries)


class HopSkipJump(DecisionAttack, kind="hop-skip-jump"):
    """A search along the border, which sees decisions only."""

    any_size = True
    sees = "decisions"
    rounds: int = Field(10, ge=1, description="how often the border's normal is estimated, 1 or more")
    _others: "Sequence[Tensor]" = PrivateAttr(())

    def knowing(self, others: "Sequence[Tensor]") -> Self:
        """Begins at one of them where all noise is rejected."""
        return self._with(_others=others)

    def __call__(
        self, attacked: "Attacked", undefended: "Attacked", starts: "Starts", ball: "Within", *, seed: int
    ) -> "Found":
        """By `spurious.attacks.hop_skip_jump.hop_skip_jump`."""
        from spurious.attacks.hop_skip_jump import hop_skip_jump

        return hop_skip_jump(attacked, starts, ball, seed=seed, rounds=self.rounds, others=self._others)


class RandomDirections(DecisionAttack, kind="random"):
    """Random changes of the whole size, in L-inf random signs: the control."""

    sees = "nothing"
    directions: int = Field(100, ge=1, description="how many random changes are tried, 1 or more")

    def __call__(
        self, attacked: "Attacked", undefended: "Attacked", starts: "Starts", ball: "Within", *, seed: int
    ) -> "Found":
        """By `spurious.attacks.controls.random_directions`."""
        from spurious.attacks.controls import random_directions

        return random_directions(attacked, starts, ball, seed=seed, directions=self.directions)
