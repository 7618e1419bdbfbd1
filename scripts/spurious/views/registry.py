"""What the vote looks at: every view by its kind."""

from typing import Annotated, ClassVar

from pydantic import Field

from spurious.registry import Entry

ColumnName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", description="name of its columns: small letters, digits and '_'")
]


class View(Entry):
    """A view of a noisy image. `name` is its column, `words` its name in figures.

    `swept`: whether it depends on the kernel of the blur, and is classified for every one of them.
    """

    remedy = "a view, by name or with its kind and parameters"
    words: ClassVar[str]
    swept: ClassVar[bool] = False

    name: ColumnName


class NotBlurred(View, kind="ns"):
    """The image as it is."""

    words = "not blurred"
    name: ColumnName = "ns"


class BlurredOnce(View, kind="ss"):
    """The image blurred once."""

    words = "blurred once"
    swept = True
    name: ColumnName = "ss"


class BlurredTwice(View, kind="ds"):
    """The image blurred twice."""

    words = "blurred twice"
    swept = True
    name: ColumnName = "ds"
