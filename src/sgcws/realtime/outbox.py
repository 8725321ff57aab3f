"""What one peer has not taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from sgcws.interfaces import Sink
from sgcws.options import SlowClientPolicy
from sgcws.realtime.backlog import Backlog, Outcome
from sgcws.realtime.framing import Framing, Message
from sgcws.realtime.parts import PartialMessage
from sgcws.values import Part

__all__ = ["Outbox", "Sender"]

PIECE = 64 * 1024
"""Bytes that are handed down at once: what is handed down cannot be taken back."""

MOST_PINGS = 256
"""Pings that may wait."""


class Sender(Protocol):
    """Whose messages an outbox keeps."""

    def hold(self, change: int) -> None:
        """Hear that so many bytes more are kept, or fewer."""

    def overflowed(self) -> None:
        """Hear that the peer is to be closed, for more waits than may."""

    def dropped(self, count: int) -> None:
        """Hear that so many messages were dropped, or none."""

    def write_failed(self, failure: Failure, fatal: bool = False) -> None:
        """Hear that a message could not be sent; *fatal* if some of it may have been, so that nothing can follow."""

    def heard(self) -> None:
        """Hear that the peer lives: it has taken something of what waited."""


@implementer(IPushProducer)
class Outbox:
    """
    Keeps whole messages, and the rest of one, until the peer takes them.

    It is the sink's producer for the connection's whole life. Control frames overtake what waits.

    Args:
        framing: How messages look on the wire.
        sink: Where they go.
        policy: How much may wait, and what becomes of more.
        sender: Whose messages they are.

    Attributes:
        messages_sent: Messages of which the sink has got at least the beginning.
        bytes_sent: Their payload.
    """

    __slots__ = (
        "_backlog",
        "_ending",
        "_finished",
        "_frame",
        "_frames",
        "_framing",
        "_held",
        "_high_water",
        "_left",
        "_lost",
        "_paused",
        "_pings",
        "_pong",
        "_sender",
        "_sent",
        "_sink",
        "_waiters",
        "bytes_sent",
        "messages_sent",
    )

    def __init__(self, framing: Framing, sink: Sink, policy: SlowClientPolicy, sender: Sender) -> None:
        self._framing = framing
        self._sink = sink
        self._sender = sender
        # Whoever waits for room is to find some.
        self._high_water = min(policy.high_water, policy.limit // 2)
        self._backlog = Backlog(policy)
        self._pings: deque[bytes] | None = None
        self._pong: bytes | None = None
        self._frames: deque[bytes] | None = None
        self._frame: bytes | None = None
        self._sent = 0
        self._left = 0
        """Bytes of the frames of the message that is being sent; of the frame that is sent in part, all."""
        self._held = 0
        self._paused = self._finished = self._lost = False
        self._ending: tuple[bytes, Callable[[], object]] | None = None
        self._waiters: tuple[Deferred[None], ...] = ()
        self.messages_sent = self.bytes_sent = 0
        sink.register(self)

    # What the sender says.

    @property
    def buffered(self) -> int:
        """Bytes that the peer has not taken, as far as is known on this side."""
        return 0 if self._lost else self._unsent() + self._sink.waiting()

    def send(self, message: Message) -> bool:
        """Take a message; whether it was taken."""
        if self._closed:
            return False
        if self._paused or self._backlog:
            return self._came_of(self._backlog.add(message, self._left))
        try:
            taken = self._begin(message)
        except Exception:
            self._sender.write_failed(Failure(), fatal=True)
            return False
        if self._left:
            self._flow()
        return taken

    def send_part(self, payload: bytes, text: bool, part: Part) -> bool:
        """
        Take a part of a message; whether it was taken.

        Raises:
            ValueError: If a message in parts has not begun, or has begun already.
            TypeError: If a message in parts goes on as text that began as bytes, or the other way round.
        """
        if self._closed:
            return False
        taken = self._came_of(self._backlog.add_part(payload, text, part, self._left))
        self._flow()
        return taken

    def ping(self, frame: bytes) -> None:
        """
        Send a ping before everything that waits.

        When too many wait, the oldest is dropped: the answer to a later one answers it, too (RFC 6455 section 5.5.3).
        """
        if self._closed:
            return
        if self._pings is None:
            self._pings = deque()
        elif len(self._pings) == MOST_PINGS:
            self._pings.popleft()
        self._pings.append(frame)
        self._flow()

    def pong(self, frame: bytes) -> None:
        """Send a pong before everything that waits; of several that wait only the newest (RFC 6455 section 5.5.3)."""
        if not self._closed:
            self._pong = frame
            self._flow()

    def drained(self) -> Deferred[None]:
        """
        Return a Deferred that fires when no more waits than ``high_water``, or the connection has ended.

        When more did, it fires when half of that is left.
        """
        if self._unsent() <= self._high_water:
            return succeed(None)
        waiter: Deferred[None] = Deferred(self._forget)
        self._waiters += (waiter,)
        return waiter

    def discard(self) -> int:
        """Drop everything but the frame that has been sent in part; return how many messages had not begun."""
        count = self._backlog.clear()
        self._pings = self._pong = self._frames = None
        self._left = 0 if self._frame is None else len(self._frame)
        self._settle()
        return count

    def finish(self, last: bytes, then: Callable[[], object]) -> None:
        """
        Take no more, send what waits, then some last bytes, and let go of the sink.

        Args:
            last: The last bytes. Those of an earlier call come before them.
            then: Called after that, when nothing waits above the sink; that of an earlier call never is.
        """
        if self._lost:
            return
        if self._finished:
            if last:
                self._sink.write(last)
            then()
            return
        before = self._ending[0] if self._ending else b""
        self._ending = (before + last, then)
        self._sender.dropped(self._backlog.abandon_part())
        self._flow()

    def lost(self) -> None:
        """Hear that the connection has ended: nothing waits any more."""
        self._finished = self._lost = True
        self._frame, self._sent = None, 0
        self.discard()

    # What the sink says.

    def pauseProducing(self) -> None:
        """Hand nothing down for now."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Hand down what waits."""
        self._paused = False
        self._sender.heard()
        self._flow()

    def stopProducing(self) -> None:
        """Hear that the connection has ended; its protocol hears so, too, and tells `lost`."""

    # How it is handed down.

    @property
    def _closed(self) -> bool:
        """Whether it takes no more."""
        return self._finished or self._ending is not None

    def _came_of(self, outcome: Outcome) -> bool:
        """Tell the sender what became of a message; whether it waits, after all that was done about it."""
        self._settle()
        self._sender.dropped(outcome.dropped)
        if outcome.overflowed:
            self._sender.overflowed()
        return outcome.taken and not self._closed

    def _flow(self) -> None:
        """Hand down as much as the sink takes."""
        try:
            while not self._paused and not self._finished and self._step():
                pass
        except Exception:
            self._sender.write_failed(Failure(), fatal=True)
        self._settle()

    def _step(self) -> bool:
        """Hand down the next thing; whether there was one."""
        if self._frame is not None:
            self._go_on(self._frame)
        elif self._pings:
            self._overtake(self._pings)
        elif self._pong is not None:
            frame, self._pong = self._pong, None
            self._sink.write(frame)
        elif self._frames:
            frame = self._frames.popleft()
            self._left -= len(frame)
            self._hand_down(frame)
        elif (message := self._backlog.next()) is not None:
            self._begin(message) if isinstance(message, Message) else self._go_on_with(message)
        elif self._ending is not None:
            self._end(*self._ending)
        else:
            return False
        return True

    def _overtake(self, frames: deque[bytes]) -> None:
        frame = frames.popleft()
        self._pings = frames or None
        self._sink.write(frame)

    def _begin(self, message: Message) -> bool:
        """Hand down a message; whether it could be put into frames."""
        try:
            frames = self._framing.encode(message)
        except Exception:
            self._sender.write_failed(Failure())
            return False
        self.messages_sent += 1
        self.bytes_sent += len(message.payload)
        self._put(frames)
        return True

    def _go_on_with(self, message: PartialMessage) -> None:
        try:
            frames = message.take(self._framing)
        except Exception:
            self._backlog.lose(message)
            self._sender.write_failed(Failure(), fatal=message.begun)
            return
        if message.complete:
            self.messages_sent += 1
            self.bytes_sent += message.total
        self._put(frames)

    def _put(self, frames: list[bytes]) -> None:
        """Let frames be the next to go; the sink takes something, else nothing would have begun."""
        if len(frames) == 1:
            self._hand_down(frames[0])
        else:
            self._frames = deque(frames)
            self._left += sum(map(len, frames))

    def _hand_down(self, frame: bytes) -> None:
        if len(frame) <= PIECE:
            self._sink.write(frame)
        else:
            self._frame, self._sent = frame, 0
            self._left += len(frame)

    def _go_on(self, frame: bytes) -> None:
        """Hand down a piece of a frame; all of it is kept until the last."""
        piece = frame[self._sent : self._sent + PIECE]
        self._sent += PIECE
        if self._sent >= len(frame):
            self._frame, self._sent = None, 0
            self._left -= len(frame)
        self._sink.write(piece)

    def _end(self, last: bytes, then: Callable[[], object]) -> None:
        self._finished = True
        if last:
            self._sink.write(last)
        self._sink.unregister()
        then()

    # How it is counted.

    def _unsent(self) -> int:
        """Count what waits, without what is kept only because its frame is not through."""
        return self._backlog.size + self._left - self._sent

    def _settle(self) -> None:
        """Tell how much more is kept than before, or less, and those who wait for less."""
        change = self._backlog.size + self._left - self._held
        if change:
            self._held += change
            self._sender.hold(change)
        if self._waiters and self._unsent() <= self._high_water // 2:
            waiters, self._waiters = self._waiters, ()
            for waiter in waiters:
                if not waiter.called:  # else what was done for one before has cancelled it
                    waiter.callback(None)

    def _forget(self, waiter: Deferred[None]) -> None:
        """Forget a Deferred that was cancelled."""
        self._waiters = tuple(other for other in self._waiters if other is not waiter)
