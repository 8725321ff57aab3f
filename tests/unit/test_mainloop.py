"""Promises of `sgcws.mainloop`, as far as they need no process of their own."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from traceback import format_exception
from typing import Any, cast

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ReactorNotRestartable
from twisted.logger import globalLogBeginner
from twisted.python import threadable
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import LifecycleError, ListenError
from sgcws.mainloop import Background, begin_logging, default_reactor, raise_now, run
from tests.memory import Reactor

TAKEN = ListenError("tcp:80", "in use")


class FakeServer:
    """A server whose start and stop end as the test chose."""

    def __init__(self, started: Deferred[None] | None = None) -> None:
        self.started = succeed(None) if started is None else started
        self.stopped: Deferred[None] = succeed(None)
        self.calls: list[Any] = []

    def start(self) -> Deferred[None]:
        """Start."""
        self.calls.append("start")
        return self.started

    def stop(self, timeout: float = 10.0) -> Deferred[None]:
        """Stop."""
        self.calls.append(("stop", timeout))
        return self.stopped

    def wait(self, deferred: Deferred[Any], timeout: float | None = None) -> Any:
        """Return what there is."""
        results: list[Any] = []
        deferred.addBoth(results.append)
        self.calls.append(("wait", *results))
        return results[0]


class Running(Reactor):
    """A reactor whose `run` returns when it is stopped by what happens in it."""

    def __init__(self, run: Callable[[], None] = lambda: None) -> None:
        super().__init__(running=False)
        self._run = run

    def run(self, installSignalHandlers: bool = True) -> None:
        """Begin, do what the test wants, and end."""
        self.signals = installSignalHandlers
        self.begin()
        self._run()
        self.running = False

    def stop(self) -> None:
        """Note it, and fire what is to be done before."""
        self.hasStopped = True
        self.fire("before", "shutdown")


class Finished(Reactor):
    """A reactor that has run before."""

    def __init__(self) -> None:
        super().__init__(running=False)

    def run(self, installSignalHandlers: bool = True) -> None:
        """Refuse, as Twisted's do."""
        raise ReactorNotRestartable()


class RaiseNowTests(SynchronousTestCase):
    """`raise_now`: what can be told at once."""

    def test_failed(self) -> None:
        """What has failed is raised."""
        self.assertRaises(ListenError, raise_now, fail(TAKEN))

    def test_not_failed(self) -> None:
        """What has worked, or is still to come, raises nothing, and a failure that comes later is no loose end."""
        raise_now(succeed(None))
        later: Deferred[None] = Deferred()
        raise_now(later)
        later.errback(TAKEN)


class BeginLoggingTests(SynchronousTestCase):
    """`begin_logging`: to standard error, unless logging has begun."""

    def test_has_begun(self) -> None:
        """Where logging has begun it is left alone."""
        self.patch(globalLogBeginner, "_temporaryObserver", None)
        self.patch(globalLogBeginner, "beginLoggingTo", lambda *args, **kwargs: self.fail("it was begun again"))
        begin_logging()

    def test_has_not_begun(self) -> None:
        """Where it has not, it begins, and leaves print() as it was."""
        begun: list[Any] = []
        self.patch(globalLogBeginner, "_temporaryObserver", object())
        self.patch(globalLogBeginner, "beginLoggingTo", lambda *args, **kwargs: begun.append((len(args[0]), kwargs)))
        begin_logging()
        self.assertEqual(begun, [(1, {"redirectStandardIO": False})])


class DefaultReactorTests(SynchronousTestCase):
    """`default_reactor`: the one that Twisted has."""

    def test_global(self) -> None:
        """It is Twisted's global one."""
        from twisted.internet import reactor

        self.assertIs(default_reactor(), reactor)


class RunTests(SynchronousTestCase):
    """`run`: serve in this thread."""

    def setUp(self) -> None:
        self.patch(globalLogBeginner, "_temporaryObserver", None)

    def test_until_stopped(self) -> None:
        """It starts the server in the reactor, and stops it before the reactor ends."""
        server = FakeServer()
        reactor = Running(lambda: reactor.stop())
        run(server, reactor)
        self.assertEqual(server.calls, ["start", ("stop", 10.0)])

    def test_start_fails(self) -> None:
        """A start that fails ends the reactor, and is raised."""
        reactor = Running()
        self.assertRaises(ListenError, run, FakeServer(fail(TAKEN)), reactor)
        self.assertTrue(reactor.hasStopped)

    def test_start_fails_plainly(self) -> None:
        """What a program shows of a failed start is one traceback, whatever was below the failure."""
        try:
            try:
                raise OSError("address in use")
            except OSError as error:
                raise ListenError("tcp:80", "in use") from error
        except ListenError as error:
            raised = self.assertRaises(ListenError, run, FakeServer(fail(error)), Running())
        shown = "".join(format_exception(raised))
        self.assertEqual(shown.count("Traceback"), 1)
        self.assertNotIn("address in use", shown)

    def test_signal_while_starting(self) -> None:
        """A start that is given up for a signal is no failure."""
        server = FakeServer(Deferred())

        def signal() -> None:
            reactor.stop()
            server.started.errback(LifecycleError("given up"))

        reactor = Running(signal)
        run(server, reactor)

    def test_reactor_runs(self) -> None:
        """Where the reactor runs already, it says so and does nothing."""
        server = FakeServer()
        self.assertRaises(LifecycleError, run, server, Reactor())
        self.assertEqual(server.calls, [])

    def test_reactor_has_stopped(self) -> None:
        """A reactor that has run before cannot be run again, and the error says that."""
        error = self.assertRaises(LifecycleError, run, FakeServer(), Finished())
        self.assertIsInstance(error.__cause__, ReactorNotRestartable)


class BackgroundTests(SynchronousTestCase):
    """`Background`: serve in a thread of its own."""

    def setUp(self) -> None:
        self.patch(globalLogBeginner, "_temporaryObserver", None)

    def test_begins_once(self) -> None:
        """The first server begins the thread, without signals; each is started and waited for."""
        done = threading.Event()
        reactor = Running(done.wait)  # type: ignore[arg-type]
        self.addCleanup(done.set)
        background, servers = Background(), [FakeServer(), FakeServer()]
        registered: list[Any] = []
        self.patch(atexit, "register", lambda *args: registered.append(args))
        self.patch(threadable, "isInIOThread", lambda: False)
        for server in servers:
            background.run(server, reactor)
            self.assertEqual(server.calls, ["start", ("wait", None)])
        self.assertEqual((registered, reactor.signals), ([(background.end, reactor)], False))

    def test_end(self) -> None:
        """At the end every server that is still there is stopped, with half of the time, and then the reactor."""
        done = threading.Event()
        reactor = Running(done.wait)  # type: ignore[arg-type]
        self.patch(reactor, "stop", done.set)
        self.patch(atexit, "register", lambda *args: None)
        background, server = Background(), FakeServer()
        background.run(server, reactor)
        background.end(reactor)
        self.assertEqual(server.calls[-1], ("stop", 4.0))
        self.assertTrue(done.is_set())
        background.end(reactor)

    def test_nothing_to_end(self) -> None:
        """Where nothing was begun there is nothing to end."""
        Background().end(Reactor())

    def test_reactor_runs_here(self) -> None:
        """In the reactor's own thread nobody can wait, and nothing is started."""
        self.patch(threadable, "isInIOThread", lambda: True)
        server = FakeServer()
        self.assertRaises(LifecycleError, Background().run, server, Reactor())
        self.assertEqual(server.calls, [])

    def test_reactor_runs_elsewhere(self) -> None:
        """A reactor that somebody else runs in another thread is used, and left to them."""
        self.patch(threadable, "isInIOThread", lambda: False)
        server, background = FakeServer(), Background()
        background.run(server, Reactor())
        self.assertEqual(server.calls, ["start", ("wait", None)])
        background.end(cast(Any, None))

    def test_reactor_has_stopped(self) -> None:
        """A reactor that has stopped for good is told of; nobody waits for it."""
        server = FakeServer()
        self.assertRaises(LifecycleError, Background().run, server, Finished())
        self.assertEqual(server.calls, [])
