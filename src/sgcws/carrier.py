"""
Calls carried over from other threads to the reactor's thread, with their answers carried back.

Twisted's own ``blockingCallFromThread`` waits for ever when the reactor stops before the call is made, and a
thread of the reactor's pool that waits for ever keeps the process from ending.  So every waiting call is kept
here, in a set that is failed when the reactor shuts down, and a waiting thread looks now and then whether the
reactor still runs.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from contextlib import suppress
from functools import wraps
from math import inf
from threading import Lock, get_ident
from time import monotonic
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from weakref import WeakMethod

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python import threadable
from twisted.python.failure import Failure

from sgcws.errors import LifecycleError

__all__ = ["Carrier", "Carrying", "ThreadedReactor", "carried", "in_pool_of"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S", bound="Carrying")

# Seconds between two looks at the reactor.  They are needed when Twisted stops its thread pool before it
# comes to our trigger: it joins the pool's threads, so nobody but a waiting thread itself can end the wait.
_LOOK = 0.5
_NO_REACTOR = "the reactor has stopped: the call was not made, or its result will not come"


class ThreadedReactor(Protocol):
    """What a `Carrier` asks of a reactor: parts of ``IReactorCore`` and ``IReactorFromThreads``."""

    @property
    def running(self) -> bool:
        """True from startup to shutdown."""

    def callFromThread(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> object:
        """Call a function in the reactor's thread, soon."""

    def callWhenRunning(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function when the reactor runs, at once if it does."""

    def addSystemEventTrigger(self, phase: str, event: str, callable: Callable[..., Any], /) -> Any:
        """Have a function called at a system event."""

    def removeSystemEventTrigger(self, trigger: Any, /) -> object:
        """Take a trigger back."""


class Carrier:
    """
    Makes calls in the reactor's thread, whatever thread they come from.

    Until a reactor runs, every thread counts as the reactor's: there is nobody to carry a call to yet.

    The reactor knows a carrier through weak references only.  A carrier lives as long as the server that owns
    it and takes its triggers out of the reactor when it goes, so nobody has to close it.

    Args:
        reactor: The reactor to carry calls to; it may run already, in this thread or in another.
    """

    def __init__(self, reactor: ThreadedReactor) -> None:
        self._reactor = reactor
        self._thread: int | None = None
        self._lock = Lock()
        self._pending: set[futures.Future[Any]] = set()
        self._ended = False
        self._triggers: list[Any] = []
        self._triggers.append(reactor.addSystemEventTrigger("during", "shutdown", _weakly(self._end)))
        self._triggers.append(reactor.callWhenRunning(_weakly(self._learn)))
        if self._thread is not None and threadable.ioThread is not None:
            # A reactor that already runs has called back at once, in this thread, which need not be its own.
            self._thread = threadable.ioThread

    def __del__(self) -> None:
        self.close()

    @property
    def here(self) -> bool:
        """Whether this is the reactor's thread; True in every thread while no reactor runs yet."""
        if self._thread is None and self._reactor.running:
            # One thread made us in the very moment the reactor started in another: our trigger came too late.
            self._thread = threadable.ioThread
        return self._thread is None or self._thread == get_ident()

    def call(self, function: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """
        Call a function in the reactor's thread and give its answer.

        In the reactor's thread the call is made at once; any other thread is blocked until the answer comes.

        Args:
            function: What to call.
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Returns:
            What *function* returned.

        Raises:
            LifecycleError: If the reactor has stopped, or stops before the call is made.
            Exception: What *function* raised, the same object.
        """
        if self.here:
            return function(*args, **kwargs)
        future: futures.Future[_R] = futures.Future()

        def run() -> None:
            if self._claim(future):
                _run_into(future, function, *args, **kwargs)

        self._send(future, run)
        return self._result(future)

    def wait(self, deferred: Deferred[_R], timeout: float | None = None) -> _R:
        """
        Block this thread until a Deferred has fired, and give its result.

        A failure that is raised here counts as handled, as by an errback.  A value stays in the Deferred.

        Args:
            deferred: A Deferred of the reactor's thread; it is not cancelled, whatever happens here.
            timeout: Seconds to wait; None waits for ever.

        Returns:
            The Deferred's result.

        Raises:
            LifecycleError: If this is the reactor's thread, no reactor runs, or it stops meanwhile.
            TimeoutError: If the Deferred has not fired within *timeout*.
            Exception: What the Deferred failed with, the same object.
        """
        if self.here:
            raise LifecycleError("wait() is for other threads than the reactor's, while the reactor runs")
        future: futures.Future[_R] = futures.Future()

        def settle(result: _R | Failure) -> _R | Failure | None:
            if not self._claim(future):
                return result  # nobody waits any more: what follows is not our business
            if isinstance(result, Failure):
                future.set_exception(result.value)
                return None
            future.set_result(result)
            return result

        self._send(future, lambda: deferred.addBoth(settle))
        return self._result(future, timeout)

    def close(self) -> None:
        """
        Leave the reactor.

        Calls that wait fail, and calls from other threads are refused from now on.
        """
        over = self._ended
        self._end()
        triggers, self._triggers = self._triggers, []
        if self.here:
            _remove(self._reactor, triggers)
        elif not over:
            self._reactor.callFromThread(_remove, self._reactor, triggers)

    def _learn(self) -> None:
        self._thread = get_ident()

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            pending, self._pending = self._pending, set()
        for future in pending:
            future.set_exception(LifecycleError(_NO_REACTOR))

    def _send(self, future: futures.Future[_R], function: Callable[[], object]) -> None:
        with self._lock:
            if self._ended or not self._reactor.running:
                raise LifecycleError(_NO_REACTOR)
            self._pending.add(future)
        self._reactor.callFromThread(function)

    def _claim(self, future: futures.Future[_R]) -> bool:
        """Take *future* off the pending ones; whoever gets True, and nobody else, decides its outcome."""
        with self._lock:
            pending = future in self._pending
            self._pending.discard(future)
        return pending

    def _result(self, future: futures.Future[_R], timeout: float | None = None) -> _R:
        # The thread's own clock: a timeout has to hold even when the reactor, and so its clock, is blocked.
        deadline = inf if timeout is None else monotonic() + timeout
        try:
            while not futures.wait((future,), min(_LOOK, max(0.0, deadline - monotonic()))).done:
                self._check(future, deadline, timeout)
            return future.result()
        finally:
            self._claim(future)

    def _check(self, future: futures.Future[_R], deadline: float, timeout: float | None) -> None:
        if not self._reactor.running and self._claim(future):
            raise LifecycleError(_NO_REACTOR)
        if monotonic() >= deadline and self._claim(future):
            raise TimeoutError(f"no result within {timeout} s")


class Carrying(Protocol):
    """An object with methods that are `carried`."""

    @property
    def _carrier(self) -> Carrier: ...


def carried(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R]:
    """
    Make a method callable from any thread: it always runs in the reactor's thread.

    The object has its `Carrier` in the attribute ``_carrier``.  In the reactor's thread it costs one
    comparison.

    Args:
        method: A plain method; one that returns a Deferred returns it to the caller's thread, to be given to
            `Carrier.wait` there.

    Returns:
        The method, with the same signature and docstring.
    """

    @wraps(method)
    def carry(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        carrier = self._carrier
        if carrier._thread == get_ident() or carrier.here:  # mostly without the cost of a property
            return method(self, *args, **kwargs)
        return carrier.call(method, self, *args, **kwargs)

    return carry


def _run_into(
    future: futures.Future[_R], function: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs
) -> None:
    try:
        result = function(*args, **kwargs)
    except BaseException as error:  # it belongs to the thread that waits, whatever it is
        future.set_exception(error)
    else:
        future.set_result(result)


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls *method* while its object lives, and does not keep it alive."""
    reference = WeakMethod(method)

    def call() -> None:
        alive = reference()
        if alive is not None:
            alive()

    return call


def _remove(reactor: ThreadedReactor, triggers: list[Any]) -> None:
    for trigger in triggers:
        if trigger is not None:  # called at once, so never kept
            with suppress(ValueError):  # it has fired
                reactor.removeSystemEventTrigger(trigger)


def in_pool_of(reactor: Any) -> Callable[..., Deferred[Any]]:
    """Return what calls a function in a reactor's thread pool; its Deferred fires in the reactor's thread."""

    def in_pool(function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)

    return in_pool
