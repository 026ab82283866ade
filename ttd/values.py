"""`dataclass` as in the standard library, for a start that uses few of the classes it declares.

The standard one writes and compiles up to eight methods of a class when it is declared, a quarter
of a millisecond. This one compiles `__init__` when the first object is made, and no other method:
comparing, hashing and printing are the same for all classes. `dataclasses.field`, `replace`,
`fields` and `asdict` work as they do with the standard one; of what that can be told, there are
`frozen`, `slots`, and that `eq` or `repr` is the class's own matter. Annotations have to be text
(`from __future__ import annotations`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

__all__ = ["dataclass"]

MISSING: Any = dataclasses.MISSING
FIELDS = "__dataclass_fields__"
"""Where `dataclasses` looks for them, in the class."""


class Field(NamedTuple):
    """A field as it is declared; `default` and `factory` may be `MISSING`."""

    annotation: str
    declared: Any
    """What stands behind it: a default, `MISSING`, or a `dataclasses.Field`."""
    default: Any
    factory: Any
    compared: bool


def _field(annotation: str, declared: Any) -> Field:
    if isinstance(declared, dataclasses.Field):
        compare, factory = declared.compare, declared.default_factory
        return Field(annotation, declared, declared.default, factory, compare)
    return Field(annotation, declared, declared, MISSING, True)


class Fields:
    """The fields of a class by name, those of its bases first; to `dataclasses` their own, made
    when it asks."""

    def __init__(self, cls: type) -> None:
        self.all: dict[str, Field] = {}
        for base in cls.__mro__[-1:0:-1]:
            if isinstance(inherited := vars(base).get(FIELDS), Fields):
                self.all |= inherited.all
        self.new: list[str] = []
        """Those that no base has."""
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            if not annotation.startswith("ClassVar"):
                if name not in self.all:
                    self.new.append(name)
                self.all[name] = _field(annotation, vars(cls).get(name, MISSING))
        self._standard: Mapping[str, dataclasses.Field[Any]] | None = None

    def __get__(self, of: object, owner: type) -> Mapping[str, dataclasses.Field[Any]]:
        if self._standard is None:
            shape = [
                (
                    name,
                    each.annotation,
                    dataclasses.field() if each.declared is MISSING else each.declared,
                )
                for name, each in self.all.items()
            ]
            # Without what would have to be compiled, or made of a signature.
            said = {"__doc__": "Of a class of the same fields."}
            standard = dataclasses.make_dataclass(
                owner.__name__, shape, namespace=said, init=False, repr=False, eq=False
            )
            self._standard = vars(standard)[FIELDS]
        return self._standard

    def init(self, frozen: bool) -> Callable[..., None]:
        """`__init__`, compiled."""
        known: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
        parameters, body = ["self"], ["pass"]
        for name, each in self.all.items():
            value = name
            known[f"_default_{name}"], known[f"_make_{name}"] = each.default, each.factory
            if each.factory is not MISSING:
                value = f"_make_{name}() if {name} is _missing else {name}"
            required = each.default is each.factory is MISSING
            parameters.append(name if required else f"{name}=_default_{name}")
            body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
        exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), known)
        made: Callable[..., None] = known["__init__"]
        return made


def light(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    eq: bool = True,
    repr: bool = True,
) -> type | Callable[[type], type]:
    """The decorator; see above."""
    left = (() if eq else ("__eq__", "__hash__")) + (() if repr else ("__repr__",))
    return _made(cls, frozen, slots, left) if cls else lambda cls: _made(cls, frozen, slots, left)


# To who checks types it is the one that they know.
if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = light


def _made(cls: type, frozen: bool, slots: bool, left: Sequence[str]) -> type:
    fields = Fields(cls)
    own = dict(vars(cls))
    methods = {**METHODS, **(FROZEN if frozen else {})}
    adds = {
        name: method
        for name, method in methods.items()
        if own.get(name) is None and name not in left
    }
    compared = [name for name, each in fields.all.items() if each.compared]
    adds |= {
        FIELDS: fields,
        "__match_args__": tuple(fields.all),
        "__compared__": attrgetter(*compared) if compared else type,
    }
    made = _slotted(cls, fields, own | adds) if slots else _extended(cls, fields, adds)

    def __init__(self: object, *args: object, **named: object) -> None:
        init = fields.init(frozen)
        setattr(made, "__init__", init)  # noqa: B010
        init(self, *args, **named)

    if "__init__" not in own:
        setattr(made, "__init__", __init__)  # noqa: B010
    return made


def _slotted(cls: type, fields: Fields, has: dict[str, Any]) -> type:
    """The class again, as slots are made with one."""
    for name in (*fields.all, "__dict__", "__weakref__"):
        has.pop(name, None)
    made = type(cls)(cls.__name__, cls.__bases__, has | {"__slots__": tuple(fields.new)})
    made.__qualname__ = cls.__qualname__
    return made


def _extended(cls: type, fields: Fields, adds: Mapping[str, Any]) -> type:
    for name, add in adds.items():
        setattr(cls, name, add)
    for name, each in fields.all.items():
        if isinstance(vars(cls).get(name), dataclasses.Field):
            if each.default is MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, each.default)
    return cls


# The methods of all of them ------------------------------------------------------------------


def _repr(self: Any) -> str:
    words = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({words})"


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self.__compared__(self) == other.__compared__(other)


def _hash(self: Any) -> int:
    return hash(self.__compared__(self))


def _reduce(self: Any) -> tuple[type, tuple[Any, ...]]:
    """For copies, and to be sent to another process: attributes cannot be set afterwards."""
    return type(self), tuple(getattr(self, name) for name in self.__match_args__)


def _refuse_set(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


METHODS: dict[str, Any] = {"__repr__": _repr, "__eq__": _equal, "__hash__": None}
FROZEN: dict[str, Any] = {
    "__hash__": _hash,
    "__reduce__": _reduce,
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
}
