"""Promises of `sgcws.carrier`."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue
from threading import Thread, get_ident
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.threads import deferToThread
from twisted.python import threadable
from twisted.trial.unittest import SynchronousTestCase, TestCase

from sgcws import carrier
from sgcws.carrier import Carrier, carried, in_pool_of
from sgcws.errors import LifecycleError
from tests.memory import Reactor

PATIENCE = 10.0
"""Seconds after which a thread that should have ended makes a test fail; not spent when all is well."""


class QueueReactor:
    """A reactor by hand: the thread that calls `run_next` is its thread."""

    def __init__(self) -> None:
        self.running = False
        self.calls: Queue[Callable[[], object]] = Queue()
        self.triggers: dict[object, tuple[str, Callable[[], object]]] = {}

    def callFromThread(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Queue a call for `run_next`."""
        self.calls.put(lambda: callable(*args, **kwargs))

    def callWhenRunning(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> object:
        """Call at once if running, else at `start`."""
        if self.running:
            return callable(*args, **kwargs)
        return self.addSystemEventTrigger("after", "startup", callable)

    def addSystemEventTrigger(self, phase: str, event: str, callable: Callable[..., Any], /) -> object:
        """Keep a trigger until its event comes."""
        trigger = object()
        self.triggers[trigger] = (f"{phase} {event}", callable)
        return trigger

    def removeSystemEventTrigger(self, trigger: Any, /) -> None:
        """Take a trigger back, as Twisted does: `ValueError` when it has fired."""
        if self.triggers.pop(trigger, None) is None:
            raise ValueError("this trigger has fired")

    def fire(self, event: str) -> None:
        """Fire one phase of an event, in this thread."""
        for trigger, (name, function) in tuple(self.triggers.items()):
            if name == event:
                del self.triggers[trigger]
                function()

    def start(self) -> None:
        """Begin to run, in this thread."""
        self.running = True
        self.fire("after startup")

    def stop(self) -> None:
        """Shut down as Twisted does: not running first, then the triggers."""
        self.running = False
        self.fire("during shutdown")

    def run_next(self) -> None:
        """Make the next call that another thread asked for, waiting until it has asked."""
        self.calls.get(timeout=PATIENCE)()


class HastyReactor(QueueReactor):
    """A reactor that starts, in its own thread, between somebody's look whether it runs and their trigger."""

    def callWhenRunning(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> object:
        """Add a trigger for what has happened."""
        self.start()
        return self.addSystemEventTrigger("after", "startup", callable)


class WatchedReactor(QueueReactor):
    """A reactor that notes when another thread looks whether it runs."""

    def __init__(self) -> None:
        self.home = get_ident()
        self.looks: Queue[None] = Queue()
        super().__init__()

    def __getattribute__(self, name: str) -> Any:
        if name == "running" and get_ident() != self.home:
            self.looks.put(None)
        return super().__getattribute__(name)


class Counter:
    """An object of the reactor's thread."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.threads: list[int] = []

    @carried
    def add(self, number: int, *, to: int = 1) -> int:
        """Add two numbers."""
        self.threads.append(get_ident())
        return number + to


class CarrierTestCase(SynchronousTestCase):
    """A carrier to a running reactor, and threads to call from."""

    def setUp(self) -> None:
        self.reactor = QueueReactor()
        self.carrier = Carrier(self.reactor)
        self.pool = ThreadPoolExecutor(max_workers=2)
        self.addCleanup(self.pool.shutdown)

    def elsewhere(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function in another thread."""
        return self.pool.submit(function, *args, **kwargs)


class HereTests(CarrierTestCase):
    """Which thread is the reactor's."""

    def test_before_the_reactor_runs(self) -> None:
        """Every thread may touch a server that no reactor drives yet."""
        self.assertTrue(self.carrier.here)
        self.assertTrue(self.elsewhere(lambda: self.carrier.here).result(PATIENCE))

    def test_while_the_reactor_runs(self) -> None:
        """Once the reactor runs, only its own thread is here."""
        self.reactor.start()
        self.assertTrue(self.carrier.here)
        self.assertFalse(self.elsewhere(lambda: self.carrier.here).result(PATIENCE))

    def test_reactor_started_elsewhere(self) -> None:
        """A reactor that runs in a thread of its own makes the thread that built the server a stranger."""
        self.elsewhere(self.reactor.start).result(PATIENCE)
        self.assertFalse(self.carrier.here)

    def test_made_while_the_reactor_runs(self) -> None:
        """A second server that another thread makes later knows the reactor's thread too."""
        self.patch(threadable, "ioThread", get_ident())
        self.reactor.start()
        late: Carrier = self.elsewhere(Carrier, self.reactor).result(PATIENCE)
        self.assertTrue(late.here)
        self.assertFalse(self.elsewhere(lambda: late.here).result(PATIENCE))

    def test_made_while_the_reactor_starts(self) -> None:
        """A server made in the very moment the reactor starts in another thread knows that thread all the same."""
        self.patch(threadable, "ioThread", get_ident())
        made: Carrier = self.elsewhere(Carrier, HastyReactor()).result(PATIENCE)
        self.assertFalse(self.elsewhere(lambda: made.here).result(PATIENCE))
        self.assertTrue(made.here)


class CallTests(CarrierTestCase):
    """A call and its answer cross between threads."""

    def test_here(self) -> None:
        """In the reactor's thread a call is made at once, with nothing queued."""
        self.reactor.start()
        self.assertEqual(self.carrier.call(divmod, 7, 4), (1, 3))
        self.assertTrue(self.reactor.calls.empty())

    def test_value(self) -> None:
        """Another thread gets the value, and the function ran in the reactor's thread."""
        self.reactor.start()
        answer = self.elsewhere(self.carrier.call, get_ident)
        self.reactor.run_next()
        self.assertEqual(answer.result(PATIENCE), get_ident())

    def test_arguments(self) -> None:
        """Arguments arrive as they were given, also those named like the carrier's own."""
        self.reactor.start()
        answer = self.elsewhere(self.carrier.call, dict, [("a", 1)], function=2, future=3)
        self.reactor.run_next()
        self.assertEqual(answer.result(PATIENCE), {"a": 1, "function": 2, "future": 3})

    def test_exception(self) -> None:
        """The exception that the function raised is raised in the caller's thread, the same object."""
        self.reactor.start()
        error = TimeoutError("the function's own")

        def break_down() -> None:
            raise error

        answer = self.elsewhere(self.carrier.call, break_down)
        self.reactor.run_next()
        self.assertIs(answer.exception(PATIENCE), error)

    def test_exit(self) -> None:
        """An attempt to leave the program is raised where it was asked for and leaves the reactor alone."""
        self.reactor.start()
        answer = self.elsewhere(self.carrier.call, sys.exit, 3)
        self.reactor.run_next()
        self.assertIsInstance(answer.exception(PATIENCE), SystemExit)


class ShutdownTests(CarrierTestCase):
    """Nothing waits for a reactor that has stopped."""

    def test_waiting_call(self) -> None:
        """A call that waits when the reactor stops fails, and is not made later."""
        self.reactor.start()
        made: list[int] = []
        answer = self.elsewhere(self.carrier.call, made.append, 1)
        late = self.reactor.calls.get(timeout=PATIENCE)
        self.reactor.stop()
        self.assertIsInstance(answer.exception(PATIENCE), LifecycleError)
        late()
        self.assertEqual(made, [])

    def test_late_call(self) -> None:
        """A call from another thread after the stop fails at once."""
        self.reactor.start()
        self.reactor.stop()
        self.assertIsInstance(self.elsewhere(self.carrier.call, list).exception(PATIENCE), LifecycleError)
        self.assertTrue(self.reactor.calls.empty())

    def test_call_here_after_the_stop(self) -> None:
        """The reactor's own thread can still call: it has things to tidy."""
        self.reactor.start()
        self.reactor.stop()
        self.assertEqual(self.carrier.call(len, "abc"), 3)

    def test_between_the_flag_and_the_trigger(self) -> None:
        """A call in the moment when the reactor has ended but has not told the carrier fails at once."""
        self.reactor.start()
        self.reactor.running = False
        self.assertIsInstance(self.elsewhere(self.carrier.call, list).exception(PATIENCE), LifecycleError)
        self.assertTrue(self.reactor.calls.empty())

    def test_trigger_never_called(self) -> None:
        """A waiting thread finds out for itself when the reactor has ended without telling."""
        self.patch(carrier, "_LOOK", 0.001)
        self.reactor.start()
        answer = self.elsewhere(self.carrier.call, list)
        self.reactor.calls.get(timeout=PATIENCE)
        self.reactor.running = False
        self.assertIsInstance(answer.exception(PATIENCE), LifecycleError)

    def test_interrupted(self) -> None:
        """A thread that is interrupted while it waits takes its call back."""

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        self.patch(futures, "wait", interrupt)
        self.reactor.start()
        made: list[int] = []
        answer = self.elsewhere(self.carrier.call, made.append, 1)
        self.assertIsInstance(answer.exception(PATIENCE), KeyboardInterrupt)
        self.reactor.run_next()
        self.assertEqual(made, [])

    def test_slow_call(self) -> None:
        """A call that takes long is waited for, however often the thread looks whether the reactor runs."""
        self.patch(carrier, "_LOOK", 0.001)
        reactor = WatchedReactor()
        patient = Carrier(reactor)
        reactor.start()
        answer = self.elsewhere(patient.call, len, "abc")
        for _ in range(3):
            reactor.looks.get(timeout=PATIENCE)
        reactor.run_next()
        self.assertEqual(answer.result(PATIENCE), 3)

    def test_function_that_stops_the_reactor(self) -> None:
        """A call under way when the reactor stops still gives its answer."""
        self.reactor.start()
        answer = self.elsewhere(self.carrier.call, self.reactor.stop)
        self.reactor.run_next()
        self.assertIsNone(answer.result(PATIENCE))

    def test_waiting_for_a_deferred(self) -> None:
        """A thread that waits for a Deferred when the reactor stops is told so."""
        self.reactor.start()
        deferred: Deferred[int] = Deferred()
        answer = self.elsewhere(self.carrier.wait, deferred)
        self.reactor.run_next()
        self.reactor.stop()
        self.assertIsInstance(answer.exception(PATIENCE), LifecycleError)
        deferred.callback(1)
        self.assertEqual(self.successResultOf(deferred), 1)


class WaitTests(CarrierTestCase):
    """Threads wait for Deferreds, the reactor's thread never does."""

    def wait(self, deferred: Deferred[Any], timeout: float | None = None) -> Future[Any]:
        """Begin to wait in another thread, and let the reactor's thread hear of it."""
        self.reactor.start()
        answer = self.elsewhere(self.carrier.wait, deferred, timeout)
        self.reactor.run_next()
        return answer

    def test_fired(self) -> None:
        """A Deferred that has fired gives its value at once, and keeps it for whoever else asks."""
        deferred = succeed("value")
        self.assertEqual(self.wait(deferred).result(PATIENCE), "value")
        self.assertEqual(self.successResultOf(deferred), "value")

    def test_fires_later(self) -> None:
        """The thread sleeps until the Deferred fires."""
        deferred: Deferred[str] = Deferred()
        answer = self.wait(deferred)
        self.assertFalse(answer.done())
        deferred.callback("late")
        self.assertEqual(answer.result(PATIENCE), "late")

    def test_failed(self) -> None:
        """A failure is raised as the exception it carries, and counts as handled."""
        error = ValueError("no")
        deferred: Deferred[None] = fail(error)
        self.assertIs(self.wait(deferred).exception(PATIENCE), error)
        self.assertIsNone(self.successResultOf(deferred))

    def test_timeout(self) -> None:
        """After the timeout the thread goes on, and the Deferred is neither cancelled nor emptied."""
        deferred: Deferred[str] = Deferred()
        self.assertIsInstance(self.wait(deferred, 0.0).exception(PATIENCE), TimeoutError)
        self.assertNoResult(deferred)
        again = self.elsewhere(self.carrier.wait, deferred, PATIENCE)
        self.reactor.run_next()
        deferred.callback("after all")
        self.assertEqual(again.result(PATIENCE), "after all")

    def test_failed_after_the_timeout(self) -> None:
        """A failure that came too late for the thread stays unhandled: somebody should hear of it."""
        deferred: Deferred[str] = Deferred()
        self.assertIsInstance(self.wait(deferred, 0.0).exception(PATIENCE), TimeoutError)
        deferred.errback(ValueError("late"))
        self.failureResultOf(deferred, ValueError)

    def test_reactor_thread(self) -> None:
        """To wait in the reactor's thread would be to wait for oneself."""
        self.reactor.start()
        self.assertRaises(LifecycleError, self.carrier.wait, succeed(None))

    def test_no_reactor(self) -> None:
        """Without a reactor no Deferred would ever fire."""
        answer = self.elsewhere(self.carrier.wait, succeed(None))
        self.assertIsInstance(answer.exception(PATIENCE), LifecycleError)


class CarriedTests(CarrierTestCase):
    """Methods that may be called from any thread."""

    def test_here(self) -> None:
        """In the reactor's thread a carried method is a plain call."""
        self.reactor.start()
        self.assertEqual(Counter(self.carrier).add(1, to=2), 3)
        self.assertTrue(self.reactor.calls.empty())

    def test_elsewhere(self) -> None:
        """From another thread the method runs in the reactor's thread and its value comes back."""
        self.reactor.start()
        counter = Counter(self.carrier)
        answer = self.elsewhere(counter.add, 1, to=2)
        self.reactor.run_next()
        self.assertEqual(answer.result(PATIENCE), 3)
        self.assertEqual(counter.threads, [get_ident()])

    def test_made_while_the_reactor_starts(self) -> None:
        """With a carrier whose trigger came too late, too, the method runs in the reactor's thread."""
        self.patch(threadable, "ioThread", get_ident())
        reactor = HastyReactor()
        counter = Counter(self.elsewhere(Carrier, reactor).result(PATIENCE))
        answer = self.elsewhere(counter.add, 1)
        reactor.run_next()
        self.assertEqual(answer.result(PATIENCE), 2)
        self.assertEqual(counter.threads, [get_ident()])

    def test_description(self) -> None:
        """A carried method keeps its name and docstring."""
        self.assertEqual((Counter.add.__name__, Counter.add.__doc__), ("add", "Add two numbers."))


class LeavingTests(CarrierTestCase):
    """Nothing of a server that is gone stays in the reactor."""

    def test_dropped_before_the_reactor_runs(self) -> None:
        """A carrier that is dropped is freed, and takes its triggers with it."""
        gone = weakref.ref(self.carrier)
        del self.carrier
        gc.collect()
        self.assertIsNone(gone())
        self.assertEqual(self.reactor.triggers, {})

    def test_dropped_while_the_reactor_runs(self) -> None:
        """The same holds in a reactor that runs, where the startup trigger has fired already."""
        self.reactor.start()
        del self.carrier
        gc.collect()
        self.assertEqual(self.reactor.triggers, {})

    def test_dropped_in_another_thread(self) -> None:
        """Another thread leaves the removal to the reactor's thread."""
        self.reactor.start()
        holder = [self.carrier]
        del self.carrier
        self.elsewhere(holder.clear).result(PATIENCE)
        self.reactor.run_next()
        self.assertEqual(self.reactor.triggers, {})

    def test_stopped_before_the_removal(self) -> None:
        """A reactor that stops before it comes to the removal finds nothing to call."""
        self.reactor.start()
        holder = [self.carrier]
        del self.carrier
        self.elsewhere(holder.clear).result(PATIENCE)
        self.reactor.stop()
        self.reactor.run_next()
        self.assertEqual(self.reactor.triggers, {})

    def test_close(self) -> None:
        """A closed carrier fails what waits, refuses other threads and has left the reactor."""
        self.reactor.start()
        answer = self.elsewhere(self.carrier.call, list)
        self.reactor.calls.get(timeout=PATIENCE)
        self.carrier.close()
        self.assertIsInstance(answer.exception(PATIENCE), LifecycleError)
        self.assertIsInstance(self.elsewhere(self.carrier.call, list).exception(PATIENCE), LifecycleError)
        self.assertEqual(self.reactor.triggers, {})

    def test_close_after_the_stop(self) -> None:
        """Closing after the reactor's end, and closing twice, is nothing special."""
        self.reactor.start()
        self.reactor.stop()
        self.carrier.close()
        self.carrier.close()
        self.elsewhere(self.carrier.close).result(PATIENCE)
        self.assertTrue(self.reactor.calls.empty())


class RealReactorTests(TestCase):
    """The same with Twisted's own reactors."""

    def test_running_reactor(self) -> Deferred[None]:
        """The reactor that runs this test serves a call from its thread pool."""
        from twisted.internet import reactor

        here = Carrier(reactor)  # type: ignore[arg-type]
        self.addCleanup(here.close)
        return deferToThread(here.call, get_ident).addCallback(self.assertEqual, get_ident())

    def test_pool_stopped_first(self) -> None:
        """A thread of the pool that waits does not keep the reactor from stopping, whatever the order."""
        self.addCleanup(setattr, threadable, "ioThread", threadable.ioThread)
        reactor = SelectReactor()
        self.addCleanup(reactor.disconnectAll)
        pool = reactor.getThreadPool()  # its shutdown trigger comes first, and joins the threads
        late = Carrier(reactor)
        never: Deferred[None] = Deferred()
        errors: list[LifecycleError] = []

        def wait() -> None:
            try:
                late.wait(never)
            except LifecycleError as error:
                errors.append(error)

        def begin() -> None:
            pool.callInThread(wait)
            pool.callInThread(late.call, reactor.stop)

        reactor.callWhenRunning(begin)
        thread = Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        self.assertFalse(thread.is_alive())
        self.assertEqual(len(errors), 1)


class InPoolTests(SynchronousTestCase):
    """Work for the reactor's thread pool."""

    def setUp(self) -> None:
        """Have a reactor with a pool."""
        self.reactor = Reactor()
        self.in_pool = in_pool_of(self.reactor)

    def test_result(self) -> None:
        """A function is called in the pool with its arguments, and its result comes back."""
        done = self.in_pool(divmod, 7, 2)
        self.assertNoResult(done)
        self.reactor.pool.run()
        self.assertEqual(self.successResultOf(done), (3, 1))

    def test_failure(self) -> None:
        """So does what it raises."""
        done = self.in_pool(divmod, 7, 0)
        self.reactor.pool.run()
        self.failureResultOf(done, ZeroDivisionError)

    def test_pool_of_now(self) -> None:
        """The pool is asked for when it is needed: a reactor makes its own as late as that."""
        self.reactor.pool = type(self.reactor.pool)()
        done = self.in_pool(int)
        self.reactor.pool.run()
        self.assertEqual(self.successResultOf(done), 0)
