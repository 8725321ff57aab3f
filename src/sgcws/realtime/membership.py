"""Who is in which channel or group, looked up from both sides."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, KeysView
from itertools import chain

from sgcws.rules.masks import check_name

__all__ = ["Index", "Membership"]

NOTHING = dict[str, None]().keys()


class Index:
    """What there is under each name, in the order in which it came; a name with nothing under it is not there."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, None]] = {}

    def add(self, name: str, entry: str) -> None:
        """Put *entry* under *name*, if it is not there."""
        self._entries.setdefault(name, {})[entry] = None

    def discard(self, name: str, entry: str) -> bool:
        """Take *entry* from under *name*; whether it was there."""
        entries = self._entries.get(name)
        if entries is None or entry not in entries:
            return False
        del entries[entry]
        if not entries:
            del self._entries[name]
        return True

    def names(self) -> KeysView[str]:
        """Return the names, as a view that follows what happens."""
        return self._entries.keys()

    def under(self, name: str) -> KeysView[str]:
        """Return what there is under *name*, as a view that follows what happens, until nothing is left there."""
        entries = self._entries.get(name)
        return NOTHING if entries is None else entries.keys()


class Membership:
    """
    Which connections are in which channels, or groups.

    A connection that is in none of them takes no room here.

    Args:
        what: What the names are of, for messages.
        known: The guids of those that may join.
    """

    def __init__(self, what: str, known: Container[str]) -> None:
        self._what = what
        self._known = known
        self._members = Index()
        self._names = Index()

    def join(self, name: str, guid: str) -> bool:
        """
        Put a connection in.

        Returns:
            Whether it is in now, as it may have been before; False if it is none of those that may join.

        Raises:
            TypeError: If *name* is no text.
            ValueError: If *name* is empty.
        """
        check_name(name, self._what)
        if guid not in self._known:
            return False
        self._members.add(name, guid)
        self._names.add(guid, name)
        return True

    def leave(self, name: str, guid: str) -> bool:
        """
        Take a connection out.

        Returns:
            Whether it was in.

        Raises:
            TypeError: If *name* is no text.
            ValueError: If *name* is empty.
        """
        check_name(name, self._what)
        self._names.discard(guid, name)
        return self._members.discard(name, guid)

    def leave_all(self, guid: str) -> None:
        """Take a connection out of everything that it is in."""
        for name in tuple(self._names.under(guid)):
            self.leave(name, guid)

    def names(self) -> KeysView[str]:
        """Return the names that have members, as a view that follows what happens."""
        return self._members.names()

    def of(self, guid: str) -> frozenset[str]:
        """Return the names of what a connection is in."""
        return frozenset(self._names.under(guid))

    def members(self, name: str) -> tuple[str, ...]:
        """Return the guids of those that are in, as of now, in the order in which they joined."""
        return tuple(self._members.under(name))

    def in_any(self, names: Iterable[str]) -> Collection[str]:
        """
        Return those that are in at least one of *names*, as a view that follows what happens.

        Its length is an upper bound: who is in several is counted for each, and met once.

        Raises:
            TypeError: If a name is no text.
            ValueError: If a name is empty.
        """
        wanted = tuple(names)
        for name in wanted:
            check_name(name, self._what)
        return self._members.under(wanted[0]) if len(wanted) == 1 else _InAny(self._members, self._names, wanted)


class _InAny(Collection[str]):
    """Those that are in at least one of several."""

    def __init__(self, members: Index, names: Index, wanted: Iterable[str]) -> None:
        self._members = members
        self._names = names
        self._wanted = dict.fromkeys(wanted).keys()

    def __len__(self) -> int:
        return sum(len(self._members.under(name)) for name in self._wanted)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(chain.from_iterable(map(self._members.under, self._wanted))))

    def __contains__(self, guid: object) -> bool:
        # From the side of the connection, which is in a few, while a mask may name thousands.
        return isinstance(guid, str) and not self._names.under(guid).isdisjoint(self._wanted)
