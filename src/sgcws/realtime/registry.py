"""
Who is connected: every socket from its accept to its end, and among them the peers that can take messages.

Those are found by guid, by channel, by group and by sub-protocol, without looking at the others.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Protocol

from twisted.internet.defer import Deferred, succeed

from sgcws.interfaces import Connection
from sgcws.realtime.framing import Message
from sgcws.realtime.membership import Index, Membership

__all__ = ["Connections", "Member", "Registry"]


class Member(Connection, Protocol):
    """A connection, with what its server does with it."""

    @property
    def held(self) -> int:
        """Bytes that are kept for it, on their way in and out."""

    def evict(self, code: int) -> None:
        """End it, and drop all that waits."""

    def send(self, message: Message) -> bool:
        """Send one message; whether it was taken. It does not fail: whatever goes wrong is told where it belongs."""

    def send_ping(self, payload: bytes) -> bool:
        """Send a ping, if it has such a thing; whether that will be answered."""

    def say_goodbye(self, code: int, reason: str) -> None:
        """End it politely, whatever it speaks."""

    def give_up(self) -> None:
        """End it at once, and do not wait any longer for a handler of its."""


class Registry:
    """
    The peers of one server.

    Attributes:
        channels: Which of those that can take messages are in which channels.
        groups: Which of them are in which groups.
    """

    def __init__(self) -> None:
        self._everyone: dict[str, Member] = {}
        self._messaging: dict[str, Member] = {}
        self._speaking = Index()
        self._awaited: list[tuple[set[Member], Deferred[None]]] = []
        self.channels = Membership("channel", self._messaging)
        self.groups = Membership("group", self._messaging)

    def add(self, peer: Member) -> None:
        """Note an accepted socket."""
        self._everyone[peer.guid] = peer

    def opened(self, peer: Member) -> None:
        """Note that *peer* can take messages."""
        self._messaging[peer.guid] = peer
        if peer.protocol is not None:
            self._speaking.add(peer.protocol, peer.guid)

    def closed(self, peer: Member) -> None:
        """Note that *peer* can take no more messages, and is in nothing; its last events may not have been told yet."""
        if self._messaging.pop(peer.guid, None) is None:
            return
        self.channels.leave_all(peer.guid)
        self.groups.leave_all(peer.guid)
        if peer.protocol is not None:
            self._speaking.discard(peer.protocol, peer.guid)

    def gone(self, peer: Member) -> None:
        """Forget *peer*: its socket is closed and its last event is told."""
        self._everyone.pop(peer.guid, None)
        for peers, _ in self._awaited:
            peers.discard(peer)
        over = [deferred for peers, deferred in self._awaited if not peers]
        if over:
            self._awaited = [(peers, deferred) for peers, deferred in self._awaited if peers]
        for deferred in over:
            deferred.callback(None)

    def when_gone(self, peers: Iterable[Member]) -> Deferred[None]:
        """Return a Deferred that fires when none of *peers* is left."""
        left = {peer for peer in peers if peer.guid in self._everyone}
        if not left:
            return succeed(None)
        deferred: Deferred[None] = Deferred()
        self._awaited.append((left, deferred))
        return deferred

    def everyone(self) -> tuple[Member, ...]:
        """Return every peer, plain HTTP too, as of now."""
        return tuple(self._everyone.values())

    def messaging(self) -> tuple[Member, ...]:
        """Return the peers that can take messages, as of now."""
        return tuple(self._messaging.values())

    def guids(self) -> KeysView[str]:
        """Return the guids of those, as a view that follows what happens."""
        return self._messaging.keys()

    def speaking(self, protocol: str) -> KeysView[str]:
        """Return the guids of those that speak a sub-protocol, as a view that follows what happens."""
        return self._speaking.under(protocol)

    def get(self, guid: str) -> Member | None:
        """Return the peer with *guid* that can take messages, or None."""
        return self._messaging.get(guid)

    def among(self, guids: Iterable[str]) -> tuple[Member, ...]:
        """Return those of *guids* that can take messages."""
        return tuple(peer for peer in map(self._messaging.get, guids) if peer is not None)

    def __len__(self) -> int:
        """Count the peers that can take messages."""
        return len(self._messaging)


class Connections(Mapping[str, Connection]):
    """
    The peers that can take messages, by guid.

    Read-only, always of now, and safe to iterate while peers come and go: whoever iterates gets those of the moment
    when that began.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __repr__(self) -> str:
        return f"<Connections: {len(self)}>"

    def __getitem__(self, guid: str) -> Connection:
        peer = self._registry.get(guid)
        if peer is None:
            raise KeyError(guid)
        return peer

    def __iter__(self) -> Iterator[str]:
        return iter([peer.guid for peer in self._registry.messaging()])

    def __len__(self) -> int:
        return len(self._registry)

    # Those of Mapping look each guid up when they come to it, and fail if the peer has gone by then.

    def values(self) -> ValuesView[Connection]:
        return self._of_now().values()

    def items(self) -> ItemsView[str, Connection]:
        return self._of_now().items()

    def _of_now(self) -> dict[str, Connection]:
        return {peer.guid: peer for peer in self._registry.messaging()}
