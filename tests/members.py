"""Members of a registry in memory, which tell how often they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sgcws.realtime.framing import Message
from sgcws.realtime.registry import Registry

__all__ = ["Crowd", "FakeMember"]


class CountedGuid(str):
    """A guid that keeps, in a list, each time that it is looked up somewhere."""

    looks: list[str]

    def __hash__(self) -> int:
        self.looks.append(str(self))
        return super().__hash__()


class FakeMember:
    """
    A `sgcws.realtime.registry.Member` that takes every message.

    Args:
        registry: Where it is, from now on.
        guid: Its name.
        protocol: The sub-protocol that it speaks.
        looks: Where it writes down its guid whenever it is looked at.

    Attributes:
        sent: The messages that it took.
        on_send: Called with each message; it takes none of those for which this says False.
    """

    def __init__(self, registry: Registry, guid: str, protocol: str | None, looks: list[str]) -> None:
        self.sent: list[Message] = []
        self.on_send: Callable[[Message], bool] = lambda message: True
        self._registry: Any = registry
        self._guid = CountedGuid(guid)
        self._guid.looks = looks
        self._protocol = protocol
        self._registry.add(self)
        self._registry.opened(self)

    def __repr__(self) -> str:
        return f"<{self._guid}>"

    @property
    def guid(self) -> str:
        """Its name."""
        self._guid.looks.append(str(self._guid))
        return self._guid

    @property
    def protocol(self) -> str | None:
        """Its sub-protocol."""
        self._guid.looks.append(str(self._guid))
        return self._protocol

    def send(self, message: Message) -> bool:
        """Take a message."""
        self._guid.looks.append(str(self._guid))
        taken = self.on_send(message)
        if taken:
            self.sent.append(message)
        return taken

    def go(self) -> None:
        """Be gone."""
        self._registry.closed(self)
        self._registry.gone(self)


class Crowd:
    """
    Members that come to one registry.

    Attributes:
        registry: Where they are.
        looks: The guid of whoever was looked at, each time.
    """

    def __init__(self) -> None:
        self.registry = Registry()
        self.looks: list[str] = []

    def come(self, *guids: str, protocol: str | None = None) -> list[Any]:
        """Let some come."""
        return [FakeMember(self.registry, guid, protocol, self.looks) for guid in guids]
