"""Settings and kinds: what is parsed, what is refused in one line, and how a kind from outside becomes known."""

import json
from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from spurious.errors import SpuriousError
from spurious.registry import Entry, Settings, as_data, load_extensions, parse


class Shape(Entry):
    """A family for these tests."""

    remedy = "a shape, by name or with its kind"
    corners: ClassVar[int]


class Circle(Shape, kind="circle"):
    corners = 0
    radius: float = Field(1.0, gt=0, description="radius in pixels, above 0")


class Polygon(Shape, kind="polygon"):
    corners = 4
    sides: tuple[Annotated[float, Field(ge=0, description="a length")], ...] = Field((1.0,), description="lengths")


class Vehicle(Entry, key="drive"):
    """A family whose kinds are named by another key."""

    remedy = "what drives, wheels"


class Wheels(Vehicle, kind="wheels"):
    count: int = Field(description="number of wheels, 1 or more", ge=1)


class Drawing(Settings):
    remedy = "settings of a drawing"
    shapes: tuple[Shape, ...] = Field(("circle",), min_length=1, description="shapes", validate_default=True)
    named: dict[Annotated[str, Field(pattern="^[a-z]+$", description="small letters")], Vehicle] = Field(
        {}, description="vehicles by name"
    )
    size: int | None = Field(None, ge=1, description="size, 1 or more (null for any)")


def refusal(value):
    with pytest.raises(SpuriousError) as caught:
        parse(Drawing, value, "drawing.yaml")
    return str(caught.value)


def test_kind_by_name_or_with_its_parameters():
    drawing = parse(Drawing, {"shapes": ["circle", {"kind": "circle", "radius": 2}, {"kind": "polygon", "sides": [3]}]})
    assert drawing.shapes == (Circle(), Circle(radius=2.0), Polygon(sides=(3.0,)))
    assert [shape.corners for shape in drawing.shapes] == [0, 0, 4]


def test_settings_as_data_are_parsed_to_the_same():
    value = {"shapes": ["circle", {"kind": "polygon", "sides": [3]}], "named": {"car": {"drive": "wheels", "count": 4}}}
    drawing = parse(Drawing, value)
    assert as_data(drawing) == value | {"shapes": [{"kind": "circle", "radius": 1.0}, value["shapes"][1]]}
    assert parse(Drawing, json.loads(json.dumps(as_data(drawing)))) == drawing


def test_defaults():
    assert parse(Drawing, {}) == Drawing() == Drawing(shapes=(Circle(),))
    assert Drawing().shapes == (Circle(),)


def test_family_with_another_key():
    assert parse(Drawing, {"named": {"cart": {"drive": "wheels", "count": 2}}}).named == {"cart": Wheels(count=2)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"size": 0}, "size: 0 is not allowed: size, 1 or more (null for any)"),
        ({"size": 2.0}, "size: 2.0 is not allowed: size, 1 or more (null for any)"),
        ({"size": True}, "size: True is not allowed: size, 1 or more (null for any)"),
        ({"size": 2**63}, "size: 9223372036854775808 is not allowed: whole numbers must have less than 64 bits"),
        ({"sizes": 1}, "unknown key 'sizes'; did you mean 'size'?"),
        ({1: 1}, "the key 1 is not text: put it in quotes"),
        ({"shapes": []}, "shapes: [] is not allowed: shapes"),
        ({"shapes": ["circl"]}, "shapes[0]: 'circl' is not allowed: a shape, by name or with its kind; did you mean "),
        ({"shapes": [{"radius": 1}]}, "shapes[0]: the key 'kind' is missing: a shape, by name or with its kind"),
        ({"shapes": [{"kind": "cube"}]}, "shapes[0].kind: 'cube' is not allowed: a shape, by name or with its kind; "),
        ({"shapes": [None]}, "shapes[0]: None is not allowed: a shape, by name or with its kind"),
        ({"shapes": [{"kind": "circle", "radius": "1e-4"}]}, "shapes[0].radius: '1e-4' is not allowed: radius in"),
        ({"shapes": [{"kind": "circle", "radius": float("inf")}]}, "shapes[0].radius: inf is not allowed: radius in"),
        ({"shapes": [{"kind": "circle", "sides": [1]}]}, "shapes[0]: unknown key 'sides'; known are kind, radius"),
        ({"shapes": ["circle", {"kind": "polygon", "sides": [1, -1]}]}, "shapes[1].sides[1]: -1 is not allowed: a le"),
        ({"named": {"A": {"drive": "wheels", "count": 2}}}, "named: 'A' is not allowed: small letters"),
        ({"named": {"a": {"drive": "wheels"}}}, "named.a: the key 'count' is missing: number of wheels, 1 or more"),
        ({"named": {"a": {"count": 1}}}, "named.a: the key 'drive' is missing: what drives, wheels"),
        (None, "None is not allowed: settings of a drawing"),
    ],
)
def test_refused_in_one_line(value, expected):
    assert refusal(value).startswith(f"drawing.yaml: {expected}")
    assert "\n" not in refusal(value)


def test_lists_that_lie_too_deep_or_hold_themselves():
    cyclic = []
    cyclic.append(cyclic)
    assert refusal({"shapes": cyclic}).startswith("drawing.yaml: lists or mappings lie too deep")


def test_changed_settings_are_checked():
    assert Circle().changed(radius=3.0) == Circle(radius=3.0)
    with pytest.raises(ValueError, match="radius"):
        Circle().changed(radius=0.0)


class Colour(Entry):
    """A family one of whose kinds needs no name."""

    remedy = "a colour"
    usual = "grey"


class Grey(Colour, kind="grey"):
    level: float = Field(ge=0, description="level")


class Named(Colour, kind="named"):
    word: str = Field(description="word")


class Paint(Settings):
    colour: Colour


def test_a_mapping_without_a_kind_is_of_the_usual_one():
    assert (
        parse(Paint, {"colour": {"level": 0.5}}).colour
        == parse(Paint, {"colour": {"kind": "grey", "level": 0.5}}).colour
    )
    assert parse(Paint, {"colour": {"kind": "named", "word": "red"}}).colour == Named(word="red")
    with pytest.raises(SpuriousError, match="colour: unknown key 'word'; known are kind, level"):
        parse(Paint, {"colour": {"word": "red"}})
    kinds = {kind["properties"]["kind"]["const"]: kind["required"] for kind in Colour.model_json_schema()["oneOf"][1:]}
    assert kinds == {"grey": ["level"], "named": ["kind", "word"]}


def test_second_kind_of_one_name():
    with pytest.raises(SpuriousError, match="two kinds are called 'circle': Circle and Other"):

        class Other(Shape, kind="circle"):
            pass

    assert parse(Drawing, {"shapes": ["circle"]}).shapes == (Circle(),)


def test_kind_from_outside(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(f"from {__name__} import Shape\nclass Dot(Shape, kind='dot'):\n    corners = 1\n")
    load_extensions([str(file)])
    load_extensions([str(file)])
    assert parse(Drawing, {"shapes": ["dot"]}).shapes[0].corners == 1


@pytest.mark.parametrize("content", [None, "1 +", "import nothing_of_this_name", "raise SystemExit(1)"])
def test_extension_that_cannot_be_imported(tmp_path, content):
    file = tmp_path / "mine.py"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SpuriousError) as caught:
        load_extensions([str(file)])
    assert str(caught.value).startswith(f"extensions: {file}: cannot be imported (")
    assert "\n" not in str(caught.value)
