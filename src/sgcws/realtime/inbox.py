"""What has come in from one peer and waits for the handlers of what came before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

__all__ = ["MOST_BYTES", "MOST_MESSAGES", "Inbox"]

MOST_BYTES = 64 * 1024
"""Bytes that may wait before reading is paused."""

MOST_MESSAGES = 64
"""Messages that may wait before reading is paused."""

Tell = Callable[..., "Deferred[None] | None"]


class Inbox:
    """
    Delivers one connection's events one after the other.

    An event waits until all handlers of the last have finished. Only a full inbox pauses reading.

    Args:
        pause: Stops reading from the peer.
        resume: Reads on.
    """

    __slots__ = ("_busy", "_bytes", "_current", "_hurried", "_pause", "_paused", "_queue", "_resume")

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._queue: deque[tuple[int, Tell, tuple[Any, ...]]] | None = None
        self._bytes = 0
        self._busy = False
        self._paused = False
        self._hurried = False
        self._current: Deferred[None] | None = None

    def deliver(self, size: int, tell: Tell, *args: Any) -> None:
        """
        Call ``tell(*args)`` now, or when everything before it is done.

        Args:
            size: Bytes that it holds while it waits.
            tell: Returns None when done, or a Deferred that fires then and never fails.
            args: Its arguments.
        """
        if self._busy:
            self._keep(size, tell, args)
        else:
            self._busy = True
            self._run(tell, args)

    def hurry(self) -> None:
        """Wait for no handler any longer: cancel the one that runs now, and each one after it that has to wait."""
        self._hurried = True
        current = self._current
        if current is None:
            return
        current.cancel()
        if self._current is current:
            # It took no notice.
            self._current = None
            self._run(_nothing, ())

    def _keep(self, size: int, tell: Tell, args: tuple[Any, ...]) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append((size, tell, args))
        self._bytes += size
        if not self._paused and (self._bytes > MOST_BYTES or len(self._queue) > MOST_MESSAGES):
            self._paused = True
            self._pause()

    def _run(self, tell: Tell, args: tuple[Any, ...]) -> None:
        while True:
            waiting = tell(*args)
            if waiting is not None and self._hurried:
                waiting.cancel()
            elif waiting is not None and not waiting.called:
                self._current = waiting
                waiting.addCallback(self._go_on, waiting)
                return
            if not self._queue:
                self._busy = False
                return
            size, tell, args = self._queue.popleft()
            self._bytes -= size
            self._read_on_if_there_is_room()

    def _go_on(self, _: None, waiting: Deferred[None]) -> None:
        if waiting is self._current:
            self._current = None
            self._run(_nothing, ())

    def _read_on_if_there_is_room(self) -> None:
        if self._paused and self._bytes <= MOST_BYTES // 2 and len(self._queue or ()) <= MOST_MESSAGES // 2:
            self._paused = False
            self._resume()


def _nothing() -> None:
    """Stand for a delivery that is done."""
