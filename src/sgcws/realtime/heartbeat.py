"""
Asking quiet peers whether they are still there.

There is one timer for all peers. Each peer has a turn, which is due when it is to be looked at next; all else that is
known of it is read off the peer then, so that a message or a pong costs nothing here.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import ref

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from sgcws.options import HeartbeatOptions
from sgcws.realtime.pulse import Pulse
from sgcws.realtime.valve import Stop

__all__ = ["LATE", "MOST_AT_ONCE", "Beating", "Heartbeat", "ping_due"]

LATE = 0.1
"""Seconds that a turn may be late, so that many peers share a waking."""

MOST_AT_ONCE = 100
"""Peers that are looked at in one turn of the reactor: thousands that came together do not hold it together."""

_SPARE: Final = 64
"""Turns of peers that have gone, which may be kept however few are left."""


class Beating(Protocol):
    """A peer that has a heartbeat."""

    @property
    def is_open(self) -> bool:
        """Whether it can take messages."""

    @property
    def reading_stopped(self) -> bool:
        """Whether nothing is read from it at the moment."""

    @property
    def last_message_at(self) -> float | None:
        """When its last message came, or None."""

    @property
    def pulse(self) -> Pulse | None:
        """What is known of its life; not None while it is open."""

    def send_ping(self, payload: bytes) -> bool:
        """Send a ping, if it has such a thing; whether that will be answered."""

    def disconnect(self) -> None:
        """End it at once."""

    def stop(self, why: Stop) -> None:
        """Stop reading from it."""

    def go_on(self, why: Stop) -> None:
        """Read on."""


class _Turn:
    """
    When a peer is to be looked at next, and what it was asked.

    Attributes:
        peer: The peer, which nobody has to keep for this.
        due: When to look at it.
        since: When it opened, or was last pinged, or the application did that in its own way.
        deadline: When it is dropped if nothing has come by then; None if no answer is waited for.
        doubted: Whether its deadline has passed, and it has a last look.
    """

    __slots__ = ("deadline", "doubted", "due", "peer", "since")

    def __init__(self, peer: Beating, now: float) -> None:
        self.peer = ref(peer)
        self.due = self.since = now
        self.deadline: float | None = None
        self.doubted = False

    def __lt__(self, other: _Turn) -> bool:
        return self.due < other.due


def ping_due(options: HeartbeatOptions, since: float, last_message_at: float | None) -> float:
    """
    Say when a peer is to be pinged.

    Args:
        options: Today's.
        since: When it opened, or was last pinged.
        last_message_at: When its last message came, or None.
    """
    if options.only_if_idle and last_message_at is not None:
        since = max(since, last_message_at)
    return since + options.interval


class Heartbeat:
    """
    Pings the peers of one server when they are quiet, and drops those that show no life after it.

    A silent peer is dropped at the latest ``interval`` plus ``timeout`` after the last that was heard of it.
    Nobody is dropped before what has already arrived from it was read, nor while reading from it is stopped.

    Args:
        clock: Tells the time and sets the timer.
        options: Returns today's options; None for no heartbeat.
        handled: Asks the application whether it has done something instead of the ping; a Deferred does not fail.

    Original: ``HeartBeat``.
    """

    def __init__(
        self,
        clock: IReactorTime,
        options: Callable[[], HeartbeatOptions | None],
        handled: Callable[[Any], bool | Deferred[bool | None] | None],
    ) -> None:
        self._clock = clock
        self._options = options
        self._handled = handled
        self._turns: list[_Turn] = []
        self._open = 0
        self._timer: IDelayedCall | None = None
        self._wake_at = 0.0
        self._count = 0

    def opened(self, peer: Beating) -> None:
        """Look after *peer* from now on; once for each, before it closes."""
        self._open += 1
        options = self._options()
        if options is not None:
            now = self._clock.seconds()
            self._put(_Turn(peer, now), now + options.interval)
            self._set_timer()

    def closed(self) -> None:
        """Hear that one of them has closed. The timer stops with the last."""
        self._open -= 1
        if not self._open:
            self._turns.clear()
        elif len(self._turns) > 2 * self._open + _SPARE:
            self._turns = [turn for turn in self._turns if _is_open(turn)]
            heapq.heapify(self._turns)
        self._set_timer()

    # The timer.

    def _put(self, turn: _Turn, due: float) -> None:
        turn.due = due
        heapq.heappush(self._turns, turn)

    def _set_timer(self) -> None:
        """Wake when the next turn is due."""
        if not self._turns:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        now, due = self._clock.seconds(), self._turns[0].due
        wake_at = now if due <= now else max(due, now + LATE)
        if self._timer is None:
            self._timer = self._clock.callLater(wake_at - now, self._wake)
        elif wake_at < self._wake_at:
            self._timer.reset(wake_at - now)
        else:
            return
        self._wake_at = wake_at

    def _wake(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        due = self._take_due(now)
        try:
            while due:
                self._look(due.pop(), now)
        finally:
            for turn in due:
                self._put(turn, now)
            self._set_timer()

    def _take_due(self, now: float) -> list[_Turn]:
        due: list[_Turn] = []
        while self._turns and self._turns[0].due <= now and len(due) < MOST_AT_ONCE:
            due.append(heapq.heappop(self._turns))
        return due

    # One peer.

    def _look(self, turn: _Turn, now: float) -> None:
        """Do what is due for a peer, and say when to look again; one that has closed is forgotten."""
        peer, options = turn.peer(), self._options()
        if peer is None or not peer.is_open or peer.pulse is None or options is None:
            return
        if turn.deadline is not None and options.timeout is not None and not peer.pulse.heard:
            self._look_at_silent(turn, peer, now, options.interval, options.timeout)
            return
        due = ping_due(options, turn.since, peer.last_message_at)
        if due > now:
            self._put(turn, due)
        else:
            self._ask(turn, peer, options.timeout or options.interval)

    def _look_at_silent(self, turn: _Turn, peer: Beating, now: float, interval: float, timeout: float) -> None:
        """Drop a peer, or wait on; it is looked at in each interval, so that the ping after its answer is not late."""
        assert turn.deadline is not None
        if peer.reading_stopped:
            turn.deadline, turn.doubted = now + timeout, False
        elif now >= turn.deadline and turn.doubted:
            peer.disconnect()
            return
        # The reactor may have been held until now, and an answer wait unread: a last look comes after the next reading.
        turn.doubted = now >= turn.deadline
        self._put(turn, now if turn.doubted else min(turn.deadline, now + interval))

    def _ask(self, turn: _Turn, peer: Beating, patience: float) -> None:
        answer = self._handled(peer)
        if isinstance(answer, Deferred):
            peer.stop(Stop.QUESTION)
            # Without an answer in time the ping is sent; nothing is read meanwhile, so it may not take for ever.
            answer.addTimeout(patience, self._clock, lambda *_: None)
            answer.addCallback(self._answered_late, turn, peer)
        else:
            self._answered(answer, turn, peer)

    def _answered_late(self, handled: bool | None, turn: _Turn, peer: Beating) -> None:
        peer.go_on(Stop.QUESTION)
        self._answered(handled, turn, peer)

    def _answered(self, handled: bool | None, turn: _Turn, peer: Beating) -> None:
        """Ping a peer that is still there, unless the application has done something instead."""
        options = self._options()
        if not peer.is_open or peer.pulse is None or options is None:
            return
        turn.since = now = self._clock.seconds()
        turn.doubted = peer.pulse.heard = False
        awaited = handled is not True and peer.send_ping(self._payload())
        timeout = options.timeout if awaited else None
        turn.deadline = None if timeout is None else now + timeout
        if peer.is_open:
            self._put(turn, now + (options.interval if timeout is None else min(options.interval, timeout)))
            self._set_timer()

    def _payload(self) -> bytes:
        """Return what a ping carries, to be told apart from the application's."""
        self._count = (self._count + 1) % 2**32
        return b"heartbeat" + self._count.to_bytes(4, "big")


def _is_open(turn: _Turn) -> bool:
    peer = turn.peer()
    return peer is not None and peer.is_open
