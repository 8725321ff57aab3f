"""
The states of a server and the moves between them.

`MOVES` is the whole truth about what may happen when.  `Lifecycle` makes the moves and does what belongs to
them, through functions it is handed.  The operator and the watchdog use the same moves, so they cannot race.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from sgcws.errors import LifecycleError

__all__ = ["MOVES", "Lifecycle", "Phase", "Step", "move"]


class Phase(enum.Enum):
    """What state a server is in."""

    STOPPED = "stopped"
    """Nothing is open: never started, or stopped on purpose."""
    STARTING = "starting"
    """The bindings are being opened, or are open and wait for the start to be completed."""
    RUNNING = "running"
    """All bindings listen."""
    STOPPING = "stopping"
    """Listeners and peers are being closed, for good or for a restart."""
    FAILED = "failed"
    """A binding cannot be had or was lost; peers may still be connected."""


class Step(enum.Enum):
    """What makes a server go from one phase to another: first the calls, then the news."""

    BIND = "bind"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    REVIVE = "revive"
    OPENED = "opened"
    OPEN_FAILED = "open failed"
    LOST = "listener lost"
    CLOSED = "closed"
    CLOSED_TO_REOPEN = "closed to reopen"
    CLOSE_FAILED = "close failed"


MOVES = {
    (Phase.STOPPED, Step.BIND): Phase.STARTING,
    (Phase.STOPPED, Step.START): Phase.STARTING,
    (Phase.STOPPED, Step.RESTART): Phase.STARTING,
    (Phase.FAILED, Step.BIND): Phase.STARTING,
    (Phase.FAILED, Step.START): Phase.STARTING,
    (Phase.FAILED, Step.RESTART): Phase.STARTING,
    (Phase.FAILED, Step.REVIVE): Phase.STARTING,
    (Phase.STARTING, Step.OPENED): Phase.RUNNING,
    (Phase.STARTING, Step.OPEN_FAILED): Phase.FAILED,
    (Phase.RUNNING, Step.LOST): Phase.FAILED,
    (Phase.RUNNING, Step.RESTART): Phase.STOPPING,
    (Phase.STARTING, Step.STOP): Phase.STOPPING,
    (Phase.RUNNING, Step.STOP): Phase.STOPPING,
    (Phase.FAILED, Step.STOP): Phase.STOPPING,
    (Phase.STOPPING, Step.CLOSED): Phase.STOPPED,
    (Phase.STOPPING, Step.CLOSED_TO_REOPEN): Phase.STARTING,  # not by STOPPED: that was meant to stay
    (Phase.STOPPING, Step.CLOSE_FAILED): Phase.FAILED,
}


def move(phase: Phase, step: Step) -> Phase:
    """
    Look a step up in `MOVES`.

    Args:
        phase: Where the server is.
        step: What is to happen.

    Returns:
        Where the step leads.

    Raises:
        LifecycleError: If the step does not exist in that phase.
    """
    try:
        return MOVES[phase, step]
    except KeyError:
        raise LifecycleError(f"cannot {step.value} while {phase.value}") from None


class _Outcome:
    """One result for all who ask: each gets a Deferred of its own, to cancel or to chain as it likes."""

    def __init__(self) -> None:
        self._asked: list[Deferred[None]] = []

    def ask(self) -> Deferred[None]:
        # Without a canceller a Deferred that was cancelled ignores the result that comes later.
        child: Deferred[None] = Deferred()
        self._asked.append(child)
        return child

    def settle(self, failure: Failure | None = None) -> None:
        asked, self._asked = self._asked, []
        for child in asked:
            if failure is None:
                child.callback(None)
            else:
                child.errback(failure)


class _Ascent:
    """One way up to RUNNING, from the call that began it to the end of ``on_startup``."""

    def __init__(self, step: Step, outcome: _Outcome) -> None:
        self.step = step
        self.outcome = outcome
        self.bound = _Outcome()
        self.opening: Deferred[None] | None = None
        self.opened = False
        self.asked_reactor = False
        self.reactor_runs = False


class Lifecycle:
    """
    Moves a server between its phases.

    All methods are for the reactor's thread.  Every Deferred that is returned belongs to its caller alone:
    cancelling it disturbs neither the work nor another caller.

    Args:
        open: Opens all bindings, in place of those that may still be open, or fails having closed those it
            opened.  It is cancelled when the start is given up, and has to fire then, too.
        close: Closes listeners and peers, the peers by force after so many seconds; fires when all are gone.
        started: Runs ``on_startup``; never fails.  It is called once in each time between two stops.
        stopped: Runs ``on_shutdown``; never fails.  It is called if *started* was, and does not wait for an
            ``on_startup`` that still waits for something: nothing may hold up a stop.
        when_running: Calls a function when the reactor runs, at once if it does.
        changed: Hears of each phase that is entered, before anybody else; it must not call the lifecycle.

    Original: ``TsgcWSServer_Base.Active``.
    """

    def __init__(
        self,
        *,
        open: Callable[[], Deferred[None]],
        close: Callable[[float], Deferred[None]],
        started: Callable[[], Deferred[None]],
        stopped: Callable[[], Deferred[None]],
        when_running: Callable[[Callable[[], None]], object],
        changed: Callable[[Phase], object] | None = None,
    ) -> None:
        self._open = open
        self._close = close
        self._started = started
        self._stopped = stopped
        self._when_running = when_running
        self._changed = changed
        self._phase = Phase.STOPPED
        self._ascent: _Ascent | None = None
        self._stop_outcome: _Outcome | None = None
        self._told_started = False

    @property
    def phase(self) -> Phase:
        """What state the server is in."""
        return self._phase

    def bind(self) -> Deferred[None]:
        """
        Open the bindings now, whether the reactor runs or not, and go no further until `start` is called.

        Returns:
            A Deferred that fires when all bindings are open, at once if they open at once.  It fails as that
            of `start` does.
        """
        return maybeDeferred(self._bind)

    def start(self) -> Deferred[None]:
        """
        Open the bindings as soon as the reactor runs, then run ``on_startup``.

        Returns:
            A Deferred that fires when that is done; it has fired if the server runs.  All who call while the
            server is on its way up share one outcome.  It fails with what *open* failed with, or with
            `LifecycleError` if there is no such move or the start was given up.
        """
        return maybeDeferred(self._go_up, Step.START)

    def revive(self) -> Deferred[None]:
        """
        Open the bindings again after they failed or were lost.

        It is `start`, except that a stopped server stays stopped.

        Returns:
            As from `start`.
        """
        return maybeDeferred(self._go_up, Step.REVIVE)

    def stop(self, timeout: float) -> Deferred[None]:
        """
        Close everything, then run ``on_shutdown``; a start or a restart that is under way is given up.

        Args:
            timeout: Seconds after which peers are dropped.  A stop that is under way keeps its own.

        Returns:
            A Deferred that fires when all are gone; it has fired if the server is stopped.
        """
        return maybeDeferred(self._stop, timeout)

    def restart(self, timeout: float) -> Deferred[None]:
        """
        Stop, then start; from stopped or failed only start.

        A call while a restart or a revival is under way shares it.

        Args:
            timeout: Seconds after which peers are dropped.

        Returns:
            As from `start`.
        """
        return maybeDeferred(self._restart, timeout)

    def listener_lost(self) -> bool:
        """
        Take notice that a listening socket died by itself.

        Returns:
            Whether that is news: in every phase but RUNNING, listeners come and go, and nothing happens.
        """
        if self._phase is not Phase.RUNNING:
            return False
        ascent, self._ascent = self._ascent, None
        self._advance(Step.LOST)
        self._give_up(ascent, "a listener was lost before on_startup had run")
        return True

    def _advance(self, step: Step) -> None:
        self._phase = move(self._phase, step)
        if self._changed is not None:
            self._changed(self._phase)

    # The way up

    def _bind(self) -> Deferred[None]:
        self._advance(Step.BIND)
        self._ascent = ascent = _Ascent(Step.BIND, _Outcome())
        child = ascent.bound.ask()
        self._open_for(ascent)
        return child

    def _go_up(self, step: Step) -> Deferred[None]:
        if self._ascent is not None:
            return self._join(self._ascent)
        if self._phase is Phase.RUNNING:
            return succeed(None)
        return self._begin(step)

    def _restart(self, timeout: float) -> Deferred[None]:
        if self._ascent is not None and self._ascent.step in (Step.RESTART, Step.REVIVE):
            return self._join(self._ascent)
        return self._begin(Step.RESTART, timeout)

    def _begin(self, step: Step, timeout: float = 0.0) -> Deferred[None]:
        """Take a step that leads up, at once or by way of a stop."""
        self._advance(step)
        # Who waits for on_startup when a restart begins waits for the restart from now on.
        outcome = _Outcome() if self._ascent is None else self._ascent.outcome
        self._ascent = ascent = _Ascent(step, outcome)
        if self._phase is Phase.STOPPING:
            child = ascent.outcome.ask()
            self._go_down(timeout, None)
            return child
        return self._join(ascent)

    def _join(self, ascent: _Ascent) -> Deferred[None]:
        child = ascent.outcome.ask()
        if self._phase is Phase.STARTING:
            self._await_reactor(ascent)
        return child

    def _await_reactor(self, ascent: _Ascent) -> None:
        if not ascent.asked_reactor:
            ascent.asked_reactor = True
            self._when_running(partial(self._reactor_runs, ascent))

    def _reactor_runs(self, ascent: _Ascent) -> None:
        if ascent is not self._ascent:  # given up before the reactor ran
            return
        ascent.reactor_runs = True
        if ascent.opening is None:
            self._open_for(ascent)
        elif ascent.opened:
            self._complete(ascent)

    def _open_for(self, ascent: _Ascent) -> None:
        ascent.opening = maybeDeferred(self._open)
        ascent.opening.addCallbacks(
            self._opened, self._open_failed, callbackArgs=(ascent,), errbackArgs=(ascent,)
        )

    def _opened(self, _: None, ascent: _Ascent) -> None:
        if ascent is not self._ascent:  # opened although given up: the stop that waits for this closes it
            return
        ascent.opened = True
        if ascent.reactor_runs:
            self._complete(ascent)
        ascent.bound.settle()

    def _open_failed(self, failure: Failure, ascent: _Ascent) -> None:
        if ascent is self._ascent:
            self._ascent = None
            self._advance(Step.OPEN_FAILED)
            ascent.outcome.settle(failure)
            ascent.bound.settle(failure)

    def _complete(self, ascent: _Ascent) -> None:
        self._advance(Step.OPENED)
        if self._told_started:
            self._arrive(None, ascent)
        else:
            self._told_started = True
            maybeDeferred(self._started).addBoth(self._arrive, ascent)

    def _arrive(self, result: Failure | None, ascent: _Ascent) -> None:
        if ascent is self._ascent:
            self._ascent = None
            ascent.outcome.settle(result)

    # The way down

    def _stop(self, timeout: float) -> Deferred[None]:
        if self._phase is Phase.STOPPED:
            return succeed(None)
        ascent, self._ascent = self._ascent, None
        if self._stop_outcome is None:
            self._stop_outcome = _Outcome()
        child = self._stop_outcome.ask()
        if self._phase is not Phase.STOPPING:
            self._advance(Step.STOP)
            self._go_down(timeout, None if ascent is None else ascent.opening)
        self._give_up(ascent, "given up: the server was stopped")
        return child

    def _give_up(self, ascent: _Ascent | None, reason: str) -> None:
        if ascent is not None:
            failure = Failure(LifecycleError(reason))
            ascent.outcome.settle(failure)
            ascent.bound.settle(failure)

    def _go_down(self, timeout: float, opening: Deferred[None] | None) -> None:
        closing = Deferred.fromCoroutine(self._close_all(timeout, opening))
        closing.addCallbacks(self._closed, self._close_failed)

    async def _close_all(self, timeout: float, opening: Deferred[None] | None) -> None:
        if opening is not None:
            opening.cancel()
            await opening
        await self._close(timeout)
        if self._told_started:
            self._told_started = False
            await self._stopped()

    def _closed(self, _: None) -> None:
        if self._ascent is not None:
            self._advance(Step.CLOSED_TO_REOPEN)
            self._await_reactor(self._ascent)
        else:
            self._advance(Step.CLOSED)
            self._settle_stop(None)

    def _close_failed(self, failure: Failure) -> None:
        ascent, self._ascent = self._ascent, None
        self._advance(Step.CLOSE_FAILED)
        if ascent is not None:
            ascent.outcome.settle(failure)
        self._settle_stop(failure)

    def _settle_stop(self, failure: Failure | None) -> None:
        outcome, self._stop_outcome = self._stop_outcome, None
        if outcome is not None:
            outcome.settle(failure)
