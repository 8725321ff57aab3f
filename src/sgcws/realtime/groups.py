"""Groups: connections that the application puts together, to be reached by name or by mask."""

from __future__ import annotations

from collections.abc import Iterable

from sgcws.carrier import Carrier, carried
from sgcws.interfaces import Connection
from sgcws.realtime.broadcast import broadcast_to_groups
from sgcws.realtime.channels import Directory
from sgcws.realtime.registry import Registry

__all__ = ["Groups"]


class Groups(Directory):
    """
    The groups with the connections that the application put into them.

    A read-only mapping of names to tuples of connections, always of now, and safe to iterate while connections come
    and go. A group is there as long as somebody is in it; one that is not there gives an empty tuple. A connection
    that goes leaves its groups by itself.

    Every method may be called from any thread.
    Original: ``TsgcWSServerGroups``.
    """

    def __init__(self, registry: Registry, carrier: Carrier) -> None:
        super().__init__(registry, registry.groups)
        self._carrier = carrier

    @carried
    def add(self, name: str, connection: Connection) -> bool:
        """
        Put a connection into a group, which need not exist.

        Args:
            name: The group; any text but the empty one.
            connection: One that can take messages, as from ``on_connect`` on.

        Returns:
            Whether it is in the group now, as it may have been before; False if it has gone, cannot take messages yet,
            or belongs to another server.

        Raises:
            TypeError: If *name* is not ``str``, or *connection* is none.
            ValueError: If *name* is empty.

        Original: ``Add``.
        """
        return self._membership.join(name, _guid_of(connection))

    @carried
    def remove(self, name: str, connection: Connection) -> bool:
        """
        Take a connection out of a group.

        Returns:
            Whether it was in it.

        Raises:
            TypeError: If *name* is not ``str``, or *connection* is none.
            ValueError: If *name* is empty.

        Original: ``Remove``.
        """
        return self._membership.leave(name, _guid_of(connection))

    @carried
    def broadcast(
        self, mask: str, data: str | bytes, *, key: str | None = None, exclude: str | Iterable[str] = ()
    ) -> int:
        """
        Send the same message to every connection in the groups whose names match.

        Who is in several of them gets it once. Who leaves meanwhile gets nothing, and neither does who joins.

        Args:
            mask: The name of a group, or a mask: ``*`` stands for any characters, or none, and ``?`` for exactly one.
                Every other character stands for itself, and only in the same case.
            data: ``str`` goes out as a text message, ``bytes`` as binary; encoded once.
            key: Under ``WhenFull.CONFLATE`` a message takes the place of the one that waits with the same key.
            exclude: Never these guids; an iterable, or one string with commas or semicolons.

        Returns:
            How many took it. One that fails goes to ``on_exception`` and stops nobody.

        Raises:
            TypeError: If *data* is neither ``str`` nor ``bytes``, or *mask*, *key* or a guid is not ``str``.
            ValueError: If *mask* is empty.
            UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.

        Original: ``BroadCast``.
        """
        return broadcast_to_groups(self._registry, mask, data, key=key, exclude=exclude)


def _guid_of(connection: Connection) -> str:
    """Return its guid, which is what is kept of it."""
    guid = getattr(connection, "guid", None)
    if not isinstance(guid, str):
        raise TypeError(f"a group holds connections, not {type(connection).__qualname__}")
    return guid
