"""Which part of a front end answers which packets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ttd.rsp.requests import Request

_Part = TypeVar("_Part")
_Request = TypeVar("_Request", bound=Request)
_Reply = TypeVar("_Reply", bound=bytes | None)


class Packets:
    """Those that the methods of one class answer; None instead of an answer: there is to be none.

    `UserError` and `requests.Malformed`, which a method raises, say why a packet is refused.
    """

    def __init__(self) -> None:
        self.features: list[str] = []
        """What `qSupported` says of them."""
        self._handlers: dict[type[Request], Callable[[Any, Any], bytes | None]] = {}

    def handles(
        self, kind: type[_Request], *features: str
    ) -> Callable[[Callable[[_Part, _Request], _Reply]], Callable[[_Part, _Request], _Reply]]:
        """The method answers this kind, which makes `features` true."""

        def register(
            handler: Callable[[_Part, _Request], _Reply],
        ) -> Callable[[_Part, _Request], _Reply]:
            self._handlers[kind] = handler
            self.features.extend(features)
            return handler

        return register

    def handler(self, part: object, request: Request) -> Callable[[Request], bytes | None] | None:
        """The method of `part` that answers the request; None if none does."""
        found = self._handlers.get(type(request))
        return None if found is None else partial(found, part)
