"""Classifiers of scikit-learn, which are fitted here: the entries with the key `scikit_learn`."""

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from spurious.classifiers.registry import ClassifierEntry
from spurious.errors import SpuriousError
from spurious.wording import plural

if TYPE_CHECKING:  # a second to import
    from sklearn.base import ClassifierMixin


class ScikitLearn(ClassifierEntry, kind="scikit_learn", key="scikit_learn"):
    """A classifier of scikit-learn, without a gradient, fitted here to at most `training_images` (None: all).

    `trusted`: the compiled types that its file consists of, beside numpy and scikit-learn's classes written in Python.
    """

    trusted: ClassVar[tuple[str, ...]] = ()
    remedy = "forest (random forest), boosted (gradient-boosted trees) or nearest (nearest neighbours)"
    training_images: int = Field(
        None,
        ge=1,
        description="at most so many of the training images are used, chosen at random; all if it is not given",
    )

    @property
    def described(self) -> str:
        """What is to be known where its numbers are read."""
        return f"at most {self.training_images} training images" if self.training_images else "all training images"

    @abstractmethod
    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; `state` is its random state."""

    def check_count(self, images: int) -> None:
        """Raise SpuriousError where so many training images are too few."""


class Forest(ScikitLearn, kind="forest"):
    """Random trees (Breiman 2001), fully grown. Only they are random."""

    trusted = ("sklearn.tree._tree.Tree",)

    trees: int = Field(ge=1, description="number of trees, 1 or more")

    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; `state` is its random state."""
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(self.trees, random_state=state, n_jobs=threads)


class Boosted(ScikitLearn, kind="boosted"):
    """Gradient boosting over histograms: every tree has at most `leaves` leaves, and is shrunk by `learning_rate`."""

    trusted = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)

    rounds: int = Field(ge=1, description="rounds of boosting, 1 or more")
    leaves: int = Field(31, ge=2, description="most leaves of a boosted tree, 2 or more")
    learning_rate: float = Field(0.1, gt=0, description="shrinkage of every round of boosting, above 0")

    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; it uses all threads that there are."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=self.rounds,
            max_leaf_nodes=self.leaves,
            learning_rate=self.learning_rate,
            early_stopping=False,
            random_state=state,
        )


class Nearest(ScikitLearn, kind="nearest"):
    """The nearest training images, found exactly, each counting by the inverse of its distance.

    Among equal votes the scores still tell which image is nearer to another class, which is what a search can climb.
    """

    neighbours: int = Field(ge=1, description="number of neighbours, 1 or more")

    @property
    def described(self) -> str:
        """How they vote, and of which images."""
        return f"{plural(self.neighbours, 'neighbour')} weighted by inverse distance, {super().described}"

    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; `state` is its random state."""
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(self.neighbours, weights="distance", algorithm="brute", n_jobs=threads)

    def check_count(self, images: int) -> None:
        """Raise SpuriousError where there are fewer training images than neighbours."""
        if self.neighbours > images:
            found = plural(images, "training image")
            raise SpuriousError(f"neighbours: {self.neighbours}, but {found}; lower it in config.yaml")
