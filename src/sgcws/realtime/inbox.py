"""What has come in from one peer and waits for the handlers of what came before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred

__all__ = ["MOST_BYTES", "MOST_MESSAGES", "Inbox"]

MOST_BYTES = 64 * 1024
"""Bytes that wait when reading is paused."""

MOST_MESSAGES = 64
"""Messages that wait when reading is paused."""

Tell = Callable[..., "Deferred[None] | None"]


class Valve(Protocol):
    """What stops and starts the flow into an inbox."""

    def pause(self) -> None:
        """Stop reading from the peer."""

    def resume(self) -> None:
        """Read on."""


class Inbox:
    """
    Delivers one connection's events one after the other.

    An event waits until all handlers of the last have finished. Only a full inbox pauses reading.
    What comes while it is full is kept all the same.

    Args:
        valve: Stops and starts what comes in.
    """

    __slots__ = ("_busy", "_bytes", "_current", "_hurried", "_paused", "_queue", "_valve")

    def __init__(self, valve: Valve) -> None:
        self._valve = valve
        self._queue: deque[tuple[int, Tell, tuple[Any, ...]]] | None = None
        self._bytes = 0
        self._busy = False
        self._paused = False
        self._hurried = False
        self._current: Deferred[None] | None = None

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        return self._bytes >= MOST_BYTES or len(self._queue or ()) >= MOST_MESSAGES

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

    def _keep(self, size: int, tell: Tell, args: tuple[Any, ...]) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append((size, tell, args))
        self._bytes += size
        if self.full and not self._paused:
            self._paused = True
            self._valve.pause()

    def _go_on(self, waiting: Deferred[None] | None) -> None:
        """Deliver what waits, as soon as *waiting* is done."""
        while not self._has_to_wait(waiting):
            if not self._queue:
                self._busy = False
                return
            size, tell, args = self._queue.popleft()
            self._bytes -= size
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

    def _read_on_if_there_is_room(self) -> None:
        if self._paused and self._bytes <= MOST_BYTES // 2 and len(self._queue or ()) <= MOST_MESSAGES // 2:
            self._paused = False
            self._valve.resume()
