"""Run a reactor for programs that have none: in this thread, or in one in the background."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any, Protocol
from weakref import WeakSet

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ReactorNotRestartable
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.python import threadable
from twisted.python.failure import Failure

from sgcws.errors import LifecycleError, ServerError

__all__ = ["Background", "Runnable", "begin_logging", "default_reactor", "raise_now", "run", "run_in_thread"]

AT_EXIT = 8.0
"""Seconds that the background has to end at the interpreter's exit, which then comes within 10 s; half for peers."""

STOPPED_FOR_GOOD = "the reactor has stopped, and a reactor cannot be started again"


class Runnable(Protocol):
    """A server, as far as running it goes."""

    def start(self) -> Deferred[None]:
        """Start."""

    def stop(self, timeout: float = ...) -> Deferred[None]:
        """Stop."""

    def wait(self, deferred: Deferred[Any], timeout: float | None = None) -> Any:
        """Wait for a Deferred off the reactor's thread."""


def default_reactor() -> Any:
    """Return Twisted's global reactor, installing the default one if there is none yet."""
    from twisted.internet import reactor

    return reactor


def raise_now(deferred: Deferred[Any]) -> None:
    """Raise what *deferred* has failed with, if it has; what it fails with later is its other owners' business."""
    failures: list[Failure] = []
    deferred.addErrback(failures.append)
    if failures:
        failures[0].raiseException()


def begin_logging() -> None:
    """Log to standard error, unless logging has begun."""
    # The beginner has no public way to ask; a second beginning would redirect what the first one set up.
    if getattr(globalLogBeginner, "_temporaryObserver", None) is not None:
        globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)


def run(server: Runnable, reactor: Any) -> None:
    """
    Serve in this thread until a signal comes, then stop gracefully.

    Raises:
        ServerError: What the start failed with.
        LifecycleError: If the reactor runs already, or has stopped for good.
    """
    if reactor.running:
        raise LifecycleError("the reactor runs already; start() is the way to serve in it")
    begin_logging()
    failures: list[Failure] = []
    reactor.callWhenRunning(_serve, server, reactor, failures.append)
    try:
        reactor.run()
    except ReactorNotRestartable as error:
        raise LifecycleError(STOPPED_FOR_GOOD) from error
    if failures:
        raise _plain(failures[0])


def _plain(failure: Failure) -> BaseException:
    """Return the error, ours without its way through Twisted: a program that shows it shows what its text says."""
    error: BaseException = failure.value  # type: ignore[assignment]  # a failure always has one
    if isinstance(error, ServerError):
        error.__cause__, error.__suppress_context__, error.__traceback__ = None, True, None
    return error


def _serve(server: Runnable, reactor: Any, failed: Callable[[Failure], object]) -> None:
    """Start *server*, and see to it that it stops before the reactor does."""
    leaving = False

    def leave() -> Deferred[None]:
        nonlocal leaving
        leaving = True
        return server.stop()

    def give_up(failure: Failure) -> None:
        if not leaving:  # else it was the signal that the start was given up for
            failed(failure)
            reactor.stop()

    reactor.addSystemEventTrigger("before", "shutdown", leave)
    server.start().addErrback(give_up)


class Background:
    """
    A reactor's thread, where nobody else runs the reactor.

    It stays up when its servers are stopped, since a reactor cannot be started again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._servers: WeakSet[Runnable] = WeakSet()

    def run(self, server: Runnable, reactor: Any) -> None:
        """
        Start *server*, and return when it listens.

        Raises:
            ServerError: What the start failed with.
            LifecycleError: If the reactor runs in this thread, or has stopped for good.
        """
        with self._lock:
            if not reactor.running:
                self._begin(reactor)
            elif threadable.isInIOThread():
                raise LifecycleError("the reactor runs in this thread; start() is the way to serve in it")
            self._servers.add(server)
        try:
            server.wait(server.start())
        except ServerError as error:
            raise _plain(Failure(error)) from None

    def _begin(self, reactor: Any) -> None:
        begin_logging()
        begun = Event()
        reactor.callWhenRunning(begun.set)
        thread = Thread(target=_run_reactor, args=(reactor, begun.set), name="sgcws", daemon=True)
        thread.start()
        begun.wait()
        if not reactor.running:
            raise LifecycleError(STOPPED_FOR_GOOD)
        self._thread = thread
        atexit.register(self.end, reactor)

    def end(self, reactor: Any) -> None:
        """Stop the servers and the reactor, and wait for that, but not for ever."""
        # In a forked child the thread is not alive, whatever the reactor says.
        if self._thread is not None and self._thread.is_alive():
            reactor.callFromThread(self._stop, reactor)
            self._thread.join(AT_EXIT)

    def _stop(self, reactor: Any) -> None:
        stops = [server.stop(timeout=AT_EXIT / 2) for server in tuple(self._servers)]
        DeferredList(stops, consumeErrors=True).addBoth(lambda _: reactor.stop())


def _run_reactor(reactor: Any, ended: Callable[[], object]) -> None:
    try:
        reactor.run(installSignalHandlers=False)
    except ReactorNotRestartable:
        """Whoever waits sees that it does not run."""
    finally:
        ended()


_background = Background()


def run_in_thread(server: Runnable, reactor: Any) -> None:
    """
    Serve in a background thread, shared by all servers of the process.

    Raises:
        ServerError: What the start failed with.
        LifecycleError: If the reactor runs in this thread, or has stopped for good.
    """
    _background.run(server, reactor)
