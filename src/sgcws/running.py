"""Run a reactor for programs that have none: in this thread, or in one in the background."""

from __future__ import annotations

import atexit
import sys
import threading
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.python.failure import Failure

from sgcws.errors import LifecycleError

__all__ = ["Runnable", "begin_logging", "default_reactor", "raise_now", "run", "run_in_thread"]

AT_EXIT = 10.0
"""Seconds that the servers in the background have to stop at the interpreter's exit."""


class Runnable(Protocol):
    """A server, as far as running it goes."""

    @property
    def listening_ports(self) -> tuple[int, ...]:
        """The TCP ports that are listened on."""

    def start(self) -> Deferred[None]:
        """Start."""

    def stop(self) -> Deferred[None]:
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
        ListenError: If a binding cannot be had.
    """
    begin_logging()
    failures: list[Failure] = []

    def failed(failure: Failure) -> None:
        failures.append(failure)
        reactor.stop()

    reactor.addSystemEventTrigger("before", "shutdown", server.stop)
    reactor.callWhenRunning(lambda: server.start().addCallbacks(lambda _: _announce(server), failed))
    reactor.run()
    if failures:
        failures[0].raiseException()


def _announce(server: Runnable) -> None:
    for port in server.listening_ports:
        print(f"listening on http://localhost:{port}/", file=sys.stderr, flush=True)


class _Background:
    """The one reactor thread of this process that nobody else runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._servers: list[Runnable] = []

    def run(self, server: Runnable, reactor: Any) -> None:
        """Start *server* in it, and return when it listens."""
        with self._lock:
            if self._thread is None:
                self._begin(reactor)
            if server not in self._servers:
                self._servers.append(server)
        server.wait(server.start())

    def _begin(self, reactor: Any) -> None:
        if reactor.running:
            raise LifecycleError("the reactor runs already; start() is the way to serve in it")
        running = threading.Event()
        reactor.callWhenRunning(running.set)
        self._thread = threading.Thread(
            target=reactor.run, kwargs={"installSignalHandlers": False}, name="sgcws", daemon=True
        )
        self._thread.start()
        running.wait()
        atexit.register(self._end, reactor)

    def _end(self, reactor: Any) -> None:
        """Stop the servers and the reactor, and wait for that, but not for ever."""
        stopped = threading.Event()

        def stop() -> None:
            stops = [server.stop() for server in self._servers]
            DeferredList(stops, consumeErrors=True).addBoth(lambda _: reactor.stop())
            reactor.addSystemEventTrigger("after", "shutdown", stopped.set)

        if reactor.running:
            reactor.callFromThread(stop)
            stopped.wait(AT_EXIT)


_background = _Background()


def run_in_thread(server: Runnable, reactor: Any) -> None:
    """
    Serve in a background thread, shared by all servers of the process.

    Raises:
        ListenError: If a binding cannot be had.
        LifecycleError: If the reactor runs in this thread, or has stopped for good.
    """
    begin_logging()
    _background.run(server, reactor)
