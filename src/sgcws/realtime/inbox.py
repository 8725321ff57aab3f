"""What has come in from one peer and waits for the handlers of what came before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from sgcws.realtime.valve import Stop

__all__ = ["MOST_BYTES", "MOST_MESSAGES", "Inbox"]

MOST_BYTES = 64 * 1024
"""Bytes that wait when reading is paused."""

MOST_MESSAGES = 64
"""Messages that wait when reading is paused."""

OVERFULL = (16 * MOST_BYTES, 16 * MOST_MESSAGES)
"""Bytes and messages that wait when reading is paused even though the application awaits something from the peer."""

Tell = Callable[..., "Deferred[None] | None"]


class Receiver(Protocol):
    """Whose events wait in an inbox."""

    def hold(self, change: int) -> None:
        """Hear that so many bytes more are kept, or fewer."""

    def stop(self, why: Stop) -> None:
        """Stop reading from the peer."""

    def go_on(self, why: Stop) -> None:
        """Read on, if nothing else is against it."""


class Inbox:
    """
    Delivers one connection's events one after the other.

    An event waits until all handlers of the last have finished. Only a full inbox stops reading.
    What comes while it is full is kept all the same, for an answer may be awaited. So it may be overfull, too.

    Args:
        receiver: Whose events they are.
    """

    __slots__ = ("_busy", "_bytes", "_current", "_hurried", "_queue", "_receiver", "_stops")

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._queue: deque[tuple[int, Tell, tuple[Any, ...]]] | None = None
        self._bytes = 0
        self._busy = False
        self._stops = Stop(0)
        self._hurried = False
        self._current: Deferred[None] | None = None

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        return self._holds(MOST_BYTES, MOST_MESSAGES)

    def deliver(self, size: int, tell: Tell, *args: Any) -> None:
        """
        Call ``tell(*args)`` now, or when everything before it is done.

        Args:
            size: Bytes that it holds while it waits.
            tell: Returns None when done, or a Deferred that fires then, or when it is cancelled.
            args: Its arguments.
        """
        if self._busy:
            self._keep(size, tell, args)
            return
        self._busy = True
        waiting = tell(*args)
        if waiting is None and not self._queue:
            self._busy = False
        else:
            self._go_on(waiting)

    def hurry(self) -> None:
        """Wait for no handler any longer: cancel the one that runs now, and each one after it that has to wait."""
        self._hurried = True
        if self._current is not None:
            self._current.cancel()

    def discard(self) -> None:
        """Drop the messages that wait; what tells of the connection itself stays."""
        kept = [entry for entry in self._queue or () if not entry[0]]
        size, self._bytes = self._bytes, 0
        self._queue = deque(kept) if kept else None
        if size:
            self._receiver.hold(-size)

    def _keep(self, size: int, tell: Tell, args: tuple[Any, ...]) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append((size, tell, args))
        self._bytes += size
        if self.full and not self._stops & Stop.FULL:
            self._stop(Stop.FULL)
        if self._stops and not self._stops & Stop.OVERFULL and self._holds(*OVERFULL):
            self._stop(Stop.OVERFULL)
        self._receiver.hold(size)

    def _go_on(self, waiting: Deferred[None] | None) -> None:
        """Deliver what waits, as soon as *waiting* is done."""
        while not self._has_to_wait(waiting):
            if not self._queue:
                self._busy = False
                return
            size, tell, args = self._queue.popleft()
            self._bytes -= size
            if size:
                self._receiver.hold(-size)
            self._read_on_if_there_is_room()
            waiting = tell(*args)

    def _has_to_wait(self, waiting: Deferred[None] | None) -> bool:
        if waiting is None:
            return False
        if self._hurried:
            waiting.cancel()
        if waiting.called:
            return False
        self._current = waiting
        waiting.addBoth(self._waited)
        return True

    def _waited(self, _: object) -> None:
        self._current = None
        self._go_on(None)

    def _holds(self, size: int, messages: int) -> bool:
        return self._bytes >= size or len(self._queue or ()) >= messages

    def _stop(self, why: Stop) -> None:
        self._stops |= why
        self._receiver.stop(why)

    def _read_on_if_there_is_room(self) -> None:
        if self._stops and not self._holds(MOST_BYTES // 2 + 1, MOST_MESSAGES // 2 + 1):
            stops, self._stops = self._stops, Stop(0)
            self._receiver.go_on(stops)
