"""
Listening again when the listener has gone and nobody stopped the server.

The watchdog has one clock and no rule about the server's phases: it asks, and what it is handed decides.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from sgcws.options.watchdog import Monitor, WatchdogOptions
from sgcws.rules.retry import retry_delay

__all__ = ["Watchdog"]


class _State(enum.Enum):
    OFF = "off"
    """The server was not started yet, or stopped on purpose."""
    WATCHING = "watching"
    MENDING = "mending"
    """A try to listen again is due or under way."""
    RESTING = "resting"
    """All attempts were used up."""


class Watchdog:
    """
    Looks after a server that has started once, until it is stopped on purpose.

    It sees a dead listener by asking twice in each interval, or is told of it, and tries to listen again, at
    once and with growing pauses, until that works.  A server that does not answer itself it restarts.

    Args:
        clock: What the intervals are measured by.
        options: How often to look and to try.
        listening: Says whether all listening sockets are alive.
        lost: Has the server take notice that a listener died, and says whether to mend that; not if the
            server itself closed the listener.
        revive: Opens the listeners again; fires when they are open.
        restart: Stops and starts a server that does not answer; fires when it listens again.
        probe: Connects to the server from outside, and fires when it answers; it is cancelled when that takes
            longer than the monitor's timeout.
        log: Where to report to.

    Attributes:
        options: As given.

    Original: ``WatchDog``.
    """

    def __init__(
        self,
        clock: IReactorTime,
        options: WatchdogOptions,
        *,
        listening: Callable[[], bool],
        lost: Callable[[], bool],
        revive: Callable[[], Deferred[None]],
        restart: Callable[[], Deferred[None]],
        probe: Callable[[], Deferred[None]],
        log: Logger,
    ) -> None:
        self.options = options
        self._clock = clock
        self._listening = listening
        self._lost = lost
        self._revive = revive
        self._restart = restart
        self._probe = probe
        self._log = log
        self._state = _State.OFF
        self._failures = 0
        self._due: dict[Callable[..., None], IDelayedCall] = {}
        self._probing: Deferred[None] | None = None
        self._mending: object = None

    def arm(self) -> None:
        """Begin to watch: the server listens.  Tries to make it listen are over."""
        if self._state is _State.MENDING:
            self._log.info("listening again")
        self._begin(_State.WATCHING)
        self._failures = 0
        self._plan(self.options.interval / 2, self._look)
        if self.options.monitor is not None:
            self._plan_probe(self.options.monitor)

    def disarm(self) -> None:
        """Do nothing until `arm` is called again: the server was stopped on purpose."""
        self._begin(_State.OFF)

    def listener_died(self) -> None:
        """Mend the listener now: it is known to be dead."""
        if self._state is not _State.WATCHING:
            return
        self._state = _State.MENDING  # before asking: who hears of the loss may tell us of it again
        lost = self._lost()
        if self._state is not _State.MENDING:  # and may have stopped the server
            return
        if not lost:
            self._state = _State.WATCHING
            return
        self._begin(_State.MENDING)
        self._log.error("a listener is gone: opening it again")
        self._plan_try()

    def start_failed(self) -> None:
        """Try until it works: a server that ran could not be started again."""
        if self._state is _State.WATCHING:
            self._begin(_State.MENDING)
            self._log.error("the server could not be started again: trying on")
            self._plan_try()

    def _begin(self, state: _State) -> None:
        """Enter a state; nothing of the one before is left to come."""
        self._state = state
        self._mending = None  # what is under way goes on, but its result is nobody's business any more
        due, self._due = self._due, {}
        for call in due.values():
            if call.active():
                call.cancel()
        probing, self._probing = self._probing, None
        if probing is not None:
            probing.cancel()

    def _plan(self, delay: float, function: Callable[..., None], *args: object) -> None:
        self._due[function] = self._clock.callLater(delay, function, *args)

    # The listener

    def _look(self) -> None:
        self._plan(self.options.interval / 2, self._look)
        if not self._listening():
            self.listener_died()

    def _plan_try(self) -> None:
        self._plan(retry_delay(self._failures, self.options.interval), self._try)

    def _try(self) -> None:
        self._mend(self._revive, self._revive_failed)

    def _mend(self, mend: Callable[[], Deferred[None]], failed: Callable[[], None]) -> None:
        mending = self._mending = object()

        def done(result: Failure | None) -> None:
            if mending is not self._mending:
                return
            if isinstance(result, Failure):
                failed()
            else:
                self.arm()

        maybeDeferred(mend).addBoth(done)

    def _revive_failed(self) -> None:
        self._failures += 1
        attempts = self.options.attempts
        if attempts is not None and self._failures >= attempts:
            self._begin(_State.RESTING)
            self._log.critical("not listening, and no attempt is left: start the server by hand")
            return
        self._plan_try()
        self._log.warn(
            "still not listening; next try in {delay:g} s",
            delay=retry_delay(self._failures, self.options.interval),
        )

    # The monitor

    def _plan_probe(self, monitor: Monitor) -> None:
        self._plan(monitor.interval, self._begin_probe, monitor)

    def _begin_probe(self, monitor: Monitor) -> None:
        self._plan_probe(monitor)
        if self._probing is None:
            self._plan(monitor.timeout, self._not_answered)
            self._probing = probing = maybeDeferred(self._probe)
            probing.addBoth(self._probed, probing)

    def _probed(self, result: Failure | None, probing: Deferred[None]) -> None:
        if probing is not self._probing:
            return
        self._probing = None
        self._due.pop(self._not_answered).cancel()
        if isinstance(result, Failure):
            self._not_answered()

    def _not_answered(self) -> None:
        self._begin(_State.MENDING)
        self._log.error("the server does not answer itself: restarting it")
        self._mend(self._restart, self._plan_try)
