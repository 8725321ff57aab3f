"""What comes in from one peer, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from sgcws.errors import PeerProtocolError
from sgcws.realtime.answers import Answers
from sgcws.realtime.inbox import Inbox
from sgcws.realtime.profile import Profile
from sgcws.realtime.shared import Shared
from sgcws.realtime.stage import CLOSED, CLOSING, DROPPED, OPEN
from sgcws.realtime.valve import Stop
from sgcws.values import Fragment, TLSDetails

__all__ = ["Incoming"]


class Incoming(Profile):
    """
    Tells the application what its peer sends, one thing after the other.

    Args:
        shared: What all peers of the server share.
        peer_address: The other end, as Twisted tells it.
        local_address: Our end.
        tls: Returns what was agreed with it when TLS was set up; None where none is spoken.

    Attributes:
        held: Bytes that are kept for it, on their way in and out.
    """

    __slots__ = ("_answers", "_dropped", "_inbox", "held")

    def __init__(
        self,
        shared: Shared,
        peer_address: object,
        local_address: object,
        tls: Callable[[], TLSDetails | None] | None = None,
    ) -> None:
        super().__init__(shared, peer_address, local_address, tls)
        self.held = self._dropped = 0
        self._inbox: Inbox | None = None
        self._answers: Answers | None = None

    # What the protocols tell it.

    def heard(self) -> None:
        """Hear that bytes have come, whatever they are, or that it has taken some."""
        if self.pulse is not None:
            self.pulse.heard = True

    def ponged(self, payload: bytes) -> None:
        """Hear that a ping was answered."""
        if self.pulse is not None:
            self.pulse.ponged(payload, self.clock.seconds())

    def text_received(self, text: str, size: int) -> None:
        """Take in a whole text message of *size* bytes."""
        inbox = self._inbox_for(size)
        if inbox is not None and not (self._answers is not None and self._answers.take(text)):
            inbox.deliver(size, self._shared.events.on_message.tell, self, text)

    def binary_received(self, data: bytes) -> None:
        """Take in a whole binary message."""
        size = len(data)
        inbox = self._inbox_for(size)
        if inbox is not None and not (self._answers is not None and self._answers.take(data)):
            inbox.deliver(size, self._shared.events.on_binary.tell, self, data)

    def fragment_received(self, fragment: Fragment) -> None:
        """Take in one frame of a message."""
        inbox = self._inbox
        if inbox is not None and self._stage < DROPPED and not (self._stage is CLOSING and inbox.full):
            inbox.deliver(len(fragment.data), self._shared.events.on_fragmented.tell, self, fragment)

    def message_ended(self, size: int) -> None:
        """Count a message of which only the fragments were wanted."""
        self._inbox_for(size)

    def failed(self, code: int, reason: str) -> None:
        """Hear that the peer broke its protocol, and was answered with *code*."""
        if self._stage is not CLOSED:
            self._tell(self._shared.events.on_error.tell, self, PeerProtocolError(code, reason))

    def when_told(self, then: Callable[[], None]) -> None:
        """Call *then* when all that has come so far is told, and handled."""
        self._tell(then)

    # What its inbox and its outbox tell it.

    def hold(self, change: int) -> None:
        """Hear that so many bytes more are kept for it, or fewer."""
        self.held += change
        if change > 0:
            self._shared.memory.hold(change)
        else:
            self._shared.memory.release(-change)

    def stop(self, why: Stop) -> None:
        """Stop reading, but not from one that is saying goodbye."""
        if self._valve is not None and self._stage is OPEN:
            self._valve.stop(why)

    def go_on(self, why: Stop) -> None:
        """Read on, if nothing else is against it."""
        if self._valve is not None and self._stage is OPEN and self._valve.go_on(why):
            self.heard()

    def dropped(self, count: int) -> None:
        """Tell the application that messages were dropped, once for all of the same turn of the reactor."""
        if count and not self._dropped:
            self.clock.callLater(0, self._tell, self._tell_dropped)
        self._dropped += count

    # How it is done.

    def _inbox_for(self, size: int) -> Inbox | None:
        """Count a message; none that comes too late, nor one more from a peer that is leaving and has much waiting."""
        inbox = self._inbox
        if inbox is None or self._stage >= DROPPED or (self._stage is CLOSING and inbox.full):
            return None
        self.messages_received += 1
        self.bytes_received += size
        self.last_message_at = self.clock.seconds()
        return inbox

    def _tell_dropped(self) -> Deferred[None] | None:
        """Tell what was dropped until now, when its turn has come."""
        count, self._dropped = self._dropped, 0
        tell: Any = self._shared.events.on_slow_client.tell
        return tell(self, count) if count else None

    def _tell(self, tell: Any, *args: Any) -> None:
        if self._inbox is None:
            tell(*args)
        else:
            self._inbox.deliver(0, tell, *args)
