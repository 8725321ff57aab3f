"""Promises of `sgcws.events.calling`: user code is called in one place, and cannot break it."""

from __future__ import annotations

import contextvars
import functools
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from sgcws.events.calling import SLOW, check_callable, name_of
from tests.memory import Reactor
from tests.support import Recorder, raiser, recording_caller

VALUE: contextvars.ContextVar[str] = contextvars.ContextVar("VALUE", default="none")


class Secret:
    """Something to call whose ``repr`` nobody may see."""

    def __repr__(self) -> str:
        raise AssertionError("shown")

    def __call__(self, *args: object) -> None:
        """Do nothing."""

    def method(self) -> None:
        """Do nothing."""


class AsyncCall:
    """An object that is called like a coroutine function."""

    async def __call__(self) -> None:
        """Do nothing."""


class Inherits(AsyncCall):
    """It has this from its parent."""


async def coroutine() -> None:
    """Be a coroutine function."""


def generator() -> Iterator[int]:
    """Be a generator function."""
    yield 1


async def async_generator() -> AsyncIterator[int]:
    """Be an async generator function."""
    yield 1


class NameTests(SynchronousTestCase):
    """A handler is named for people."""

    def test_names(self) -> None:
        """Functions, methods and other callables are named by module and place; no ``repr`` is asked for."""
        here = __name__
        self.assertEqual(name_of(coroutine), f"{here}.coroutine")
        self.assertEqual(name_of(Secret().method), f"{here}.Secret.method")
        self.assertEqual(name_of(Secret()), f"{here}.Secret")
        self.assertEqual(name_of(functools.partial(coroutine)), "functools.partial")
        self.assertEqual(name_of(print), "builtins.print")
        self.assertEqual(name_of([].append), "?.list.append")


class CheckTests(SynchronousTestCase):
    """What can be no handler is refused when it is registered."""

    def test_allowed(self) -> None:
        """Functions, coroutine functions and objects like them may be handlers; plain ones may run in the pool."""
        for handler in (print, coroutine, Secret(), AsyncCall(), functools.partial(coroutine), lambda: None, Secret):
            check_callable("on_x", handler, threaded=False)
        for handler in (print, Secret(), functools.partial(print)):
            check_callable("on_x", handler, threaded=True)

    def test_refused(self) -> None:
        """What cannot be called, what nobody would iterate or await is refused by the names of event and handler."""
        for handler, threaded, words in (
            (None, False, "an object of type NoneType cannot be called"),
            (object(), True, "an object of type object cannot be called"),
            (generator, False, f"{__name__}.generator is a generator; allowed: a function or a coroutine function"),
            (generator, True, f"{__name__}.generator is a generator; allowed: a function"),
            (async_generator, False, f"{__name__}.async_generator is a generator"),
            (functools.partial(async_generator), False, "functools.partial is a generator"),
            (coroutine, True, f"{__name__}.coroutine is a coroutine function; threaded=True allows: a function"),
            (AsyncCall(), True, f"{__name__}.AsyncCall is a coroutine function"),
            (Inherits(), True, f"{__name__}.Inherits is a coroutine function"),
            (functools.partial(coroutine), True, "functools.partial is a coroutine function"),
        ):
            with self.subTest(words=words):
                error = self.assertRaises(TypeError, check_callable, "on_x", handler, threaded)
                self.assertIn(f"on_x: {words}", str(error))


class CallerTestCase(SynchronousTestCase):
    """Calls handlers, and keeps what is reported."""

    def setUp(self) -> None:
        """Have a caller whose clock is advanced by hand, and a pool that runs when told to."""
        self.time = 0.0
        self.reactor = Reactor()
        self.caller, self.reports, self.log = recording_caller(self.reactor, lambda: self.time)

    def call(self, handler: Any, *args: Any, threaded: bool = False, instead: Any = None) -> Any:
        """Call *handler* as an event does."""
        return self.caller.prepare(handler, threaded, instead)(args)

    def reported(self) -> list[tuple[tuple[Any, ...], type, str]]:
        """Return what was reported, failures by their types, and forget it."""
        reports = [(args, failure.type, name) for args, failure, name in self.reports]
        self.reports.clear()
        return reports


class PlainTests(CallerTestCase):
    """A plain handler is called at once."""

    def test_answer(self) -> None:
        """Its answer comes back as it is."""
        for answer in (None, True, False, 0, "", b"x", ValueError()):
            handler = Recorder(answer)
            self.assertIs(self.call(handler, 1, 2), answer)
            self.assertEqual(handler.calls, [(1, 2)])

    def test_failure(self) -> None:
        """One that fails is reported with its arguments and name, and something stands in for its answer."""
        self.assertEqual(self.call(raiser(KeyError("k")), "a", instead="safe"), "safe")
        self.assertEqual(self.reported(), [(("a",), KeyError, "tests.support.raiser.<locals>.fail")])

    def test_exit(self) -> None:
        """Even ``sys.exit`` is reported and goes no further, as it does where a Deferred carries it."""

        async def leave() -> None:
            raise SystemExit

        for handler in (raiser(SystemExit()), raiser(KeyboardInterrupt()), raiser(GeneratorExit()), leave):
            self.assertIsNone(self.call(handler))
        self.assertEqual(len(self.reported()), 4)

    def test_deferred(self) -> None:
        """A Deferred comes back to be waited for."""
        waiting: Deferred[str] = Deferred()
        answer = self.call(lambda: waiting)
        self.assertNoResult(answer)
        waiting.callback("done")
        self.assertEqual(self.successResultOf(answer), "done")

    def test_failed_deferred(self) -> None:
        """A Deferred that fails, at once or later, is reported, and something stands in for its result."""
        waiting: Deferred[str] = Deferred()
        first, second = self.call(lambda: fail(KeyError()), instead=1), self.call(lambda: waiting, instead=2)
        waiting.errback(ValueError())
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (1, 2))
        self.assertEqual([kind for _, kind, _ in self.reported()], [KeyError, ValueError])


class CoroutineTests(CallerTestCase):
    """A coroutine is taken as far as it goes, and costs a Deferred only if it waits."""

    def test_without_waiting(self) -> None:
        """One that never waits answers at once, without a Deferred."""

        async def handler(value: int) -> int:
            return value + await passed(value)

        async def passed(value: int) -> int:
            return value

        self.assertEqual(self.call(handler, 2), 4)

    def test_waiting(self) -> None:
        """One that waits, several times and for what has already happened too, answers when it is done."""
        first: Deferred[str] = Deferred()
        second: Deferred[str] = Deferred()

        async def handler() -> str:
            return await first + await succeed("b") + await second

        answer = self.call(handler)
        first.callback("a")
        self.assertNoResult(answer)
        second.callback("c")
        self.assertEqual(self.successResultOf(answer), "abc")

    def test_failure(self) -> None:
        """One that fails, before or after it waits, is reported."""
        waiting: Deferred[None] = Deferred()

        async def early() -> None:
            raise KeyError

        async def late() -> None:
            await waiting
            raise ValueError

        self.assertEqual(self.call(early, instead="safe"), "safe")
        answer = self.call(late, instead="safe")
        waiting.callback(None)
        self.assertEqual(self.successResultOf(answer), "safe")
        self.assertEqual([kind for _, kind, _ in self.reported()], [KeyError, ValueError])

    def test_what_it_waits_for_fails(self) -> None:
        """It can catch the failure of what it waits for, and go on."""
        waiting: Deferred[None] = Deferred()

        async def handler() -> str:
            try:
                await waiting
            except KeyError:
                return "caught " + await succeed("it")
            return "not raised"

        answer = self.call(handler)
        waiting.errback(KeyError())
        self.assertEqual(self.successResultOf(answer), "caught it")
        self.assertEqual(self.reported(), [])

    def test_cancelled(self) -> None:
        """Cancelling its Deferred cancels what it waits for, and it can tidy up."""
        seen: list[str] = []

        async def handler() -> None:
            try:
                await Deferred(lambda _: seen.append("cancelled"))
            finally:
                seen.append("tidied")

        answer = self.call(handler)
        answer.cancel()
        self.assertIsNone(self.successResultOf(answer))
        self.assertEqual(seen, ["cancelled", "tidied"])
        self.assertEqual([kind for _, kind, _ in self.reported()], [CancelledError])

    def test_dropped(self) -> None:
        """One that waits for what nobody keeps is closed when it is collected, and leaves no failure behind."""
        seen: list[str] = []

        async def handler() -> None:
            try:
                await Deferred()
            finally:
                seen.append("closed")

        self.call(handler)
        gc.collect()
        self.assertEqual(seen, ["closed"])
        self.assertEqual(self.reported(), [])

    def test_returned_deferred(self) -> None:
        """A Deferred that a coroutine returns is waited for, too."""
        waiting: Deferred[int] = Deferred()

        async def handler() -> Deferred[int]:
            return waiting

        answer = self.call(handler)
        waiting.callback(3)
        self.assertEqual(self.successResultOf(answer), 3)


class ContextTests(CallerTestCase):
    """A coroutine has a context of its own."""

    def test_it_sees_and_keeps(self) -> None:
        """It sees the context of its event, and its own changes after each wait; nobody else sees them."""
        waiting: Deferred[None] = Deferred()
        seen: list[str] = []

        async def handler(name: str) -> None:
            seen.append(VALUE.get())
            VALUE.set(name)
            await waiting
            seen.append(VALUE.get())

        VALUE.set("event")
        self.addCleanup(VALUE.set, "none")
        self.call(handler, "first")
        self.call(handler, "second")
        self.assertEqual(VALUE.get(), "event")
        VALUE.set("later")
        waiting.callback(None)
        self.assertEqual((seen, VALUE.get()), (["event", "event", "first", "second"], "later"))


class SlowTests(CallerTestCase):
    """A handler that holds the reactor is named."""

    def hold(self, seconds: float) -> None:
        """Hold the reactor."""
        self.time += seconds

    def slow(self) -> list[str]:
        """Return what the log says."""
        lines = [line for level, line in self.log.lines() if level == "warn"]
        self.log.events.clear()
        return lines

    def test_plain(self) -> None:
        """One that takes longer than it may is named with its time, also when it fails; a quick one is not."""

        def slow() -> None:
            self.hold(SLOW + 0.05)

        def slow_and_failing() -> None:
            slow()
            raise KeyError

        self.call(slow)
        self.call(slow_and_failing)
        self.call(lambda: self.hold(SLOW))
        first, second = self.slow()
        self.assertIn(f"{name_of(slow)} held the reactor for 0.15 s", first)
        self.assertIn(name_of(slow_and_failing), second)

    def test_each_step(self) -> None:
        """Each step of a coroutine is measured by itself, and its waiting is not."""
        waits: list[Deferred[None]] = [Deferred(), Deferred()]

        async def handler() -> None:
            self.hold(SLOW * 2)
            await waits[0]
            await waits[1]
            self.hold(SLOW * 3)

        self.call(handler)
        self.assertEqual(len(self.slow()), 1)
        self.hold(60)
        waits[0].callback(None)
        self.hold(60)
        self.assertEqual(self.slow(), [])
        waits[1].callback(None)
        (line,) = self.slow()
        self.assertIn("for 0.30 s", line)


class ThreadedTests(CallerTestCase):
    """A threaded handler runs in the pool, beside the reactor."""

    def test_answer(self) -> None:
        """Its answer comes when it has run; however long that takes, it holds nobody."""
        handler = Recorder("done")
        answer = self.call(handler, 1, threaded=True)
        self.assertEqual(handler.calls, [])
        self.time += 60
        self.reactor.pool.run()
        self.assertEqual(self.successResultOf(answer), "done")
        self.assertEqual((handler.calls, self.log.lines()), ([(1,)], []))

    def test_failure(self) -> None:
        """One that fails is reported."""
        answer = self.call(raiser(KeyError()), 1, threaded=True, instead="safe")
        self.reactor.pool.run()
        self.assertEqual(self.successResultOf(answer), "safe")
        self.assertEqual(self.reported(), [((1,), KeyError, "tests.support.raiser.<locals>.fail")])

    def test_nobody_waits_in_a_thread(self) -> None:
        """What it starts there and nobody could wait for is a failure, and no silent end of the connection's events."""
        for lazy in (lambda: Deferred(), lambda: coroutine()):
            answer = self.call(lazy, threaded=True)
            self.reactor.pool.run()
            self.successResultOf(answer)
        self.assertEqual([kind for _, kind, _ in self.reported()], [TypeError, TypeError])
        gc.collect()
        self.assertEqual(self.flushWarnings(), [])

    def test_no_pool(self) -> None:
        """A pool that takes nothing more, at the end of the reactor's life, is a failure like any other."""
        self.reactor.pool.callInThreadWithCallback = raiser(RuntimeError())  # type: ignore[method-assign]
        self.assertEqual(self.successResultOf(self.call(Recorder(), threaded=True, instead="safe")), "safe")
        self.assertEqual([kind for _, kind, _ in self.reported()], [RuntimeError])
