"""Whether one peer is read from."""

from __future__ import annotations

import enum
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

__all__ = ["Flow", "Stop", "Valve"]

T = TypeVar("T")


class Stop(enum.IntFlag):
    """Why reading stops."""

    FULL = 1
    """The inbox is full."""
    APPLICATION = 2
    """The application said so."""
    QUESTION = 4
    """The application thinks about an answer."""
    OVERFULL = 8
    """The inbox holds many times what it may, because reading went on for something that is awaited."""


class Flow(Protocol):
    """What comes in from one peer."""

    def pause(self) -> None:
        """Stop reading from the peer."""

    def resume(self) -> None:
        """Read on."""


class Valve:
    """
    Stops and starts what comes in, for several reasons at once.

    While the application awaits something from the peer, reading goes on.

    Args:
        flow: What comes in.
    """

    __slots__ = ("_awaited", "_flow", "_stops", "stopped")

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._stops = 0
        self._awaited = 0
        self.stopped = False

    def stop(self, why: Stop) -> None:
        """Stop reading, for one more reason."""
        self._stops |= why
        self._turn()

    def go_on(self, why: Stop) -> bool:
        """Read on, unless there is another reason not to; whether reading had stopped."""
        before = self.stopped
        self._stops &= ~why
        self._turn()
        return before and not self.stopped

    def open(self) -> None:
        """Read on, whatever the reasons."""
        self._stops = 0
        self._turn()

    def open_for(self, answer: Deferred[T]) -> Deferred[T]:
        """Read on until *answer* has come from the peer, or will not come."""
        self._awaited += 1
        self._turn()
        return answer.addBoth(self._close_after)

    def lost(self) -> None:
        """Hear that the connection has ended: there is nothing to stop."""
        self._stops, self.stopped = 0, False

    def _close_after(self, answer: T) -> T:
        self._awaited -= 1
        self._turn()
        return answer

    def _turn(self) -> None:
        stopped = bool(self._stops & Stop.OVERFULL or (self._stops and not self._awaited))
        if stopped is not self.stopped:
            self.stopped = stopped
            (self._flow.pause if stopped else self._flow.resume)()
