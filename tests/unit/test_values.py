"""`ttd.values.dataclass` beside the one of the standard library."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ttd import values

Decorator = Callable[..., Any]
LIGHT: Decorator = values.light


def classes(decorator: Decorator, *, frozen: bool, slots: bool) -> dict[str, Any]:
    """The same declarations with either."""
    both = {"frozen": frozen, "slots": slots}

    @decorator(**both)
    class Empty:
        """No field."""

    @decorator(**both)
    class Point:
        """Defaults, a factory, a field that is not compared, a constant of the class."""

        AXES: ClassVar[tuple[str, ...]] = ("x", "y")
        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list)
        note: object = field(default=None, compare=False)

        def total(self) -> int:
            return self.x + self.y

    @decorator(**both)
    class Deep(Point):
        """Another default of a base's field, and a field."""

        y: int = 5
        z: int = 7

    @decorator(**both)
    class Named:
        """Methods of its own."""

        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Named) and self.name.lower() == other.name.lower()

        def __repr__(self) -> str:
            return f"<{self.name}>"

        def __hash__(self) -> int:
            return hash(self.name.lower())

    return {"Empty": Empty, "Point": Point, "Deep": Deep, "Named": Named}


def outcome(action: Callable[[], Any]) -> Any:
    """What comes of it, an exception as its kind."""
    try:
        return action()
    except Exception as error:
        return type(error)


def told(made: dict[str, Any]) -> list[Any]:
    """Everything that can be seen of the classes, of objects of theirs, and of mistakes."""
    point, deep, named = made["Point"], made["Deep"], made["Named"]
    objects = [
        *(made["Empty"](), point(1), point(1, 2), point(1, 3, note=4), point(1, note=5)),
        *(point(x=9, tags=["a"]), deep(1), deep(1, 5, [], None, 7), named("A"), named("a")),
    ]
    seen: list[Any] = [repr(each) for each in objects]
    seen += [one == other for one in objects for other in objects]
    seen += [outcome(lambda each=each: hash(each) == hash(each)) for each in objects]
    seen += [hasattr(each, "__dict__") for each in objects]
    seen += [dataclasses.is_dataclass(each) for each in objects]
    seen += [[(f.name, f.compare) for f in dataclasses.fields(each)] for each in objects]
    seen += [dataclasses.asdict(each) for each in objects]
    seen += [repr(dataclasses.replace(objects[1], y=8)), repr(dataclasses.replace(objects[6], z=1))]
    seen += [outcome(point), outcome(lambda: point(1, w=1)), outcome(lambda: deep(1).q)]
    seen += [outcome(lambda: dataclasses.replace(objects[1], w=8))]
    seen += [point.__match_args__, deep.__match_args__, point.AXES, deep(1).total()]
    seen += [point.__name__, point.__qualname__, point.__doc__, point.__module__]
    seen += [outcome(lambda: setattr(objects[1], "y", 4)), objects[1].y]
    seen += [outcome(lambda: delattr(objects[1], "y")), outcome(lambda: objects[1].y)]
    seen += [outcome(lambda: setattr(objects[1], "unknown", 4)) is None]  # refused, by some name
    return seen


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_the_same_as_the_standard_one(frozen: bool, slots: bool) -> None:
    ours = told(classes(LIGHT, frozen=frozen, slots=slots))
    standard = told(classes(dataclasses.dataclass, frozen=frozen, slots=slots))
    assert ours == standard


def test_bare() -> None:
    @LIGHT
    class Pair:
        one: int
        two: int = 2

    assert repr(Pair(1)).endswith("Pair(one=1, two=2)")


def test_factories_make_each_its_own() -> None:
    point = classes(LIGHT, frozen=True, slots=True)["Point"]
    first = point(1)
    first.tags.append("a")
    assert point(1).tags == []


def test_what_is_frozen_says_so() -> None:
    point = classes(LIGHT, frozen=True, slots=True)["Point"]
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point(1).x = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point(1).x


def test_nothing_is_compiled_before_the_first_object() -> None:
    point = classes(LIGHT, frozen=True, slots=True)["Point"]
    before = point.__init__
    point(1)
    after = point.__init__
    assert before is not after
    point(1)
    assert point.__init__ is after


def test_all_of_ttd_uses_it() -> None:
    """What runs inside LLDB and GDB knows nothing of ttd's."""
    root = Path(values.__file__).parent
    others = [
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if path.name != "values.py" and path.parent.name != "share"
        if re.search(r"^from dataclasses import .*\bdataclass\b", path.read_text(), re.MULTILINE)
    ]
    assert not others, f"a start pays for the standard library's dataclass in {others}"
