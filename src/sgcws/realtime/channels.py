"""What applications see of channels."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TypeVar, overload

from sgcws.interfaces import Connection
from sgcws.realtime.membership import Membership
from sgcws.realtime.registry import Registry

__all__ = ["Channels", "Directory"]

_T = TypeVar("_T")


class Directory(Mapping[str, tuple[Connection, ...]]):
    """
    Names with their members, in the order in which they joined.

    Read-only, always of now, and safe to iterate while members come and go: whoever iterates gets those of the moment
    when that began. A name is there as long as it has members; asked for one that is not, it gives an empty tuple.
    """

    def __init__(self, registry: Registry, membership: Membership) -> None:
        self._registry = registry
        self._membership = membership

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)}>"

    def __getitem__(self, name: str) -> tuple[Connection, ...]:
        return self._registry.among(self._membership.members(name))

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._membership.names()))

    def __len__(self) -> int:
        return len(self._membership.names())

    def __contains__(self, name: object) -> bool:
        return name in self._membership.names()

    # Those of Mapping expect a KeyError, and look each name up when they come to it.

    @overload
    def get(self, name: str, /) -> tuple[Connection, ...] | None: ...
    @overload
    def get(self, name: str, /, default: tuple[Connection, ...] | _T) -> tuple[Connection, ...] | _T: ...
    def get(self, name: str, /, default: object = None) -> object:
        return self[name] or default

    def values(self) -> ValuesView[tuple[Connection, ...]]:
        return self._of_now().values()

    def items(self) -> ItemsView[str, tuple[Connection, ...]]:
        return self._of_now().items()

    def _of_now(self) -> dict[str, tuple[Connection, ...]]:
        return {name: self[name] for name in self}


class Channels(Directory):
    """
    The channels with the connections that subscribed to them, by ``connection.subscribe``.

    A read-only mapping, always of now, and safe to iterate while connections come and go. A channel is there as long as
    somebody is in it; one that is not there gives an empty tuple.
    """

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry, registry.channels)
