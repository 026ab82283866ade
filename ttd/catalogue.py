"""Things by name that are loaded when they are first wanted: a start should not pay for others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TypeVar

Thing = TypeVar("Thing")


class Catalogue(MutableMapping[str, Thing]):
    """A mapping whose values are made, once, by a function for each name."""

    def __init__(self, makers: Mapping[str, Callable[[], Thing]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Thing] = {}

    def __getitem__(self, name: str) -> Thing:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __setitem__(self, name: str, thing: Thing) -> None:
        self._makers[name] = lambda: thing
        self._made[name] = thing

    def __delitem__(self, name: str) -> None:
        del self._makers[name]
        self._made.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
