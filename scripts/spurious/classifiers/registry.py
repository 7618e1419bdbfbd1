"""The family of the entries of `classifiers:`. Its kinds are in the modules beside this one; `entries` names them."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from spurious.parameters import Text
from spurious.problems import misfit, shown
from spurious.registry import Entry

PublishedAs = Annotated[Text, Field(description="the classifier's name in workflow/resources/published.csv")]


class ClassifierEntry(Entry):
    """The entry of a name in `classifiers:`; the key that is present decides which of the kinds it is.

    A key that may be left out is None then; null is refused.
    """

    remedy = "exactly one of architecture, scikit_learn (both trained here), torchvision, torchscript, exported"
    key = None

    @classmethod
    def of(cls, value: Any) -> type[Self]:
        """The class of the kind whose key is in `value`."""
        if cls is not ClassifierEntry:
            return super().of(value)
        if not isinstance(value, Mapping):
            raise misfit(f"{shown(value)} is not allowed: a classifier, trained here or supplied", inner=True)
        for kind, chosen in cls.kinds.items():
            if kind in value:
                return chosen.of(value)
        raise misfit(cls.remedy)

    independent: ClassVar[bool] = False  # each class has a probability of its own: they need not sum to 1

    @property
    def group(self) -> str:
        """The key that decided what this is: architecture, scikit_learn, torchvision, torchscript or exported."""
        return self.key or self.kind
