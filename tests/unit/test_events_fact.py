"""Promises of `sgcws.events.fact`: told to everybody, in order, whatever one of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from sgcws.events import Fact
from tests.memory import Reactor
from tests.support import Recorder, raiser, recording_caller


class FactTestCase(SynchronousTestCase):
    """A fact, what its handlers did, and what was reported of them."""

    def setUp(self) -> None:
        """Have a fact whose pool runs when told to."""
        self.reactor = Reactor()
        caller, self.reports, _ = recording_caller(self.reactor)
        self.fact: Fact[[str]] = Fact("on_x", caller)
        self.seen: list[str] = []

    def plain(self, name: str) -> Callable[[str], None]:
        """Return a handler that is done at once."""
        return lambda word: self.seen.append(f"{name} {word}")

    def waiting(self, name: str) -> Deferred[None]:
        """Register a handler that waits for what is returned."""
        waiting: Deferred[None] = Deferred()

        async def handler(word: str) -> None:
            self.seen.append(f"{name} {word}")
            await waiting
            self.seen.append(f"{name} done")

        self.fact(handler)
        return waiting

    def kinds(self) -> list[type]:
        """Return the types of what was reported."""
        return [failure.type for _, failure, _ in self.reports]


class RegisteringTests(FactTestCase):
    """Handlers come and go."""

    def test_unchanged(self) -> None:
        """Registering gives the handler back, in each of its forms, and the fact knows whether anybody listens."""
        self.assertFalse(self.fact)
        handler = Recorder()
        self.assertIs(self.fact(handler), handler)
        self.assertTrue(self.fact)
        self.assertIs(self.fact(threaded=True)(handler), handler)
        self.assertIs(self.fact(handler, threaded=True), handler)
        self.assertIs(self.fact()(handler), handler)

    def test_remove(self) -> None:
        """A handler that is taken off hears nothing more; registered twice it is taken off once."""
        handler, other = Recorder(), Recorder()
        for each in (handler, other, handler):
            self.fact(each)
        self.fact.remove(handler)
        self.fact.tell("a")
        self.assertEqual((handler.calls, other.calls), ([("a",)], [("a",)]))
        self.fact.remove(handler)
        self.fact.remove(other)
        self.assertFalse(self.fact)

    def test_remove_method(self) -> None:
        """A method can be taken off, though Python makes a new object of it each time it is named."""
        self.fact(self.seen.append)
        self.fact.remove(self.seen.append)
        self.assertFalse(self.fact)

    def test_remove_stranger(self) -> None:
        """One that is not registered is refused by the names of event and handler."""
        error = self.assertRaises(ValueError, self.fact.remove, print)
        self.assertEqual(str(error), "on_x: builtins.print is not registered")

    def test_refused(self) -> None:
        """What can be no handler is refused, and nothing is registered."""

        def generator(word: str) -> Iterator[str]:
            yield word

        self.assertRaises(TypeError, self.fact, generator)
        self.assertRaises(TypeError, self.fact(threaded=True), 5)
        self.assertFalse(self.fact)

    def test_change_while_telling(self) -> None:
        """Handlers that are registered or removed by a handler count from the next event on."""

        def handler(word: str) -> None:
            self.seen.append(word)
            self.fact.remove(handler)
            self.fact(self.plain("new"))

        self.fact(handler)
        self.fact.tell("a")
        self.assertEqual(self.seen, ["a"])
        self.fact.tell("b")
        self.assertEqual(self.seen, ["a", "new b"])

    def test_change_while_waiting(self) -> None:
        """So do those that change while a handler is waited for."""
        waiting, last = self.waiting("first"), self.plain("last")
        self.fact(last)
        self.fact.tell("a")
        self.fact.remove(last)
        self.fact(self.plain("new"))
        waiting.callback(None)
        self.assertEqual(self.seen, ["first a", "first done", "last a"])


class TellingTests(FactTestCase):
    """Each handler is called when the one before is done."""

    def test_nobody(self) -> None:
        """Telling nobody is done at once."""
        self.assertIsNone(self.fact.tell("a"))

    def test_order(self) -> None:
        """Plain handlers are called in order of registration, and it is done at once."""
        for name in "abc":
            self.fact(self.plain(name))
        self.assertIsNone(self.fact.tell("x"))
        self.assertEqual(self.seen, ["a x", "b x", "c x"])

    def test_waits(self) -> None:
        """The next handler is called when the last is done, and so is what is returned."""
        first, second = self.waiting("first"), self.waiting("second")
        self.fact(self.plain("third"))
        done = self.fact.tell("x")
        self.assertEqual(self.seen, ["first x"])
        first.callback(None)
        self.assertEqual(self.seen[1:], ["first done", "second x"])
        self.assertNoResult(done)
        second.callback(None)
        self.assertEqual(self.seen[3:], ["second done", "third x"])
        self.assertIsNone(self.successResultOf(done))

    def test_what_has_happened(self) -> None:
        """A Deferred that has fired holds nobody up, nor does a bool."""
        self.fact(lambda word: succeed(None))
        self.fact(Recorder(True))
        self.fact(self.plain("last"))
        self.successResultOf(self.fact.tell("x"))
        self.assertEqual(self.seen, ["last x"])

    def test_overlapping(self) -> None:
        """An event can be told while an earlier one is waited for; each has its own order."""
        self.waiting("first")
        self.fact(self.plain("second"))
        self.fact.tell("a")
        self.fact.tell("b")
        self.assertEqual(self.seen, ["first a", "first b"])

    def test_failures(self) -> None:
        """One that fails, in whatever way, is reported, and the others are called all the same."""

        async def fails(word: str) -> None:
            raise KeyError

        async def fails_later(word: str) -> None:
            await waiting
            raise OSError

        waiting: Deferred[None] = Deferred()
        for handler in (raiser(ValueError()), fails, fails_later, self.plain("last")):
            self.fact(handler)
        done = self.fact.tell("x")
        waiting.callback(None)
        self.successResultOf(done)
        self.assertEqual((self.kinds(), self.seen), ([ValueError, KeyError, OSError], ["last x"]))
        self.assertEqual({args for args, _, _ in self.reports}, {("x",)})

    def test_threaded(self) -> None:
        """A threaded handler is waited for as any other."""
        self.fact(self.plain("threaded"), threaded=True)
        self.fact(self.plain("after"))
        done = self.fact.tell("x")
        self.assertEqual(self.seen, [])
        self.reactor.pool.run()
        self.successResultOf(done)
        self.assertEqual(self.seen, ["threaded x", "after x"])

    @given(st.lists(st.sampled_from(["plain", "fired", "fails", "waits", "threaded"]), max_size=6))
    @settings(deadline=None, max_examples=60)
    def test_any_mixture(self, kinds: list[str]) -> None:
        """Whatever mixture there is, all are called once, in order, and the end comes after the last."""
        self.setUp()
        waits: list[Deferred[None]] = []

        def add(position: int, kind: str) -> None:
            def handler(word: str) -> Any:
                self.seen.append(str(position))
                if kind == "fails":
                    raise KeyError
                if kind == "waits":
                    waits.append(Deferred())
                    return waits[-1]
                return succeed(None) if kind == "fired" else None

            self.fact(handler, threaded=kind == "threaded")  # type: ignore[call-overload]

        for position, kind in enumerate(kinds):
            add(position, kind)
        done = self.fact.tell("x")
        while waits or self.reactor.pool.waiting:
            self.assertNoResult(done)
            if waits:
                waits.pop().callback(None)
            self.reactor.pool.run()
        self.assertEqual(self.seen, [str(position) for position, _ in enumerate(kinds)])
        if done is not None:
            self.successResultOf(done)


class CancellingTests(FactTestCase):
    """What nobody waits for any longer is over at once, and everybody has heard of it."""

    def test_cancel(self) -> None:
        """The handler that is waited for is cancelled, the next are called, and cancelled if they wait."""
        self.waiting("first")
        self.waiting("second")
        self.fact(self.plain("third"))
        done = self.fact.tell("x")
        done.cancel()
        self.assertIsNone(self.successResultOf(done))
        self.assertEqual(self.seen, ["first x", "second x", "third x"])
        self.assertEqual(self.kinds(), [CancelledError, CancelledError])

    def test_threaded(self) -> None:
        """What runs in a thread runs on, and its end is nobody's business."""
        self.fact(self.plain("threaded"), threaded=True)
        done = self.fact.tell("x")
        done.cancel()
        self.successResultOf(done)
        self.reactor.pool.run()
        self.assertEqual(self.seen, ["threaded x"])

    def test_no_notice(self) -> None:
        """One that takes no notice of it is left behind: when it is done, or fails, nothing is told twice."""
        again: Deferred[None] = Deferred()

        async def stubborn(word: str) -> None:
            try:
                await Deferred()
            except CancelledError:
                await again
            raise KeyError

        self.fact(stubborn)
        self.fact(self.plain("second"))
        done = self.fact.tell("x")
        done.cancel()
        self.successResultOf(done)
        self.assertEqual(self.seen, ["second x"])
        again.callback(None)
        self.assertEqual((self.seen, self.kinds()), (["second x"], [KeyError]))

    def test_by_a_handler(self) -> None:
        """A handler may be the one that cancels: it is over when that handler returns."""
        first = self.waiting("first")

        def cancel(word: str) -> None:
            done.cancel()
            self.assertNoResult(done)
            self.seen.append("cancelled")

        self.fact(cancel)
        self.waiting("third")
        done = self.fact.tell("x")
        first.callback(None)
        self.assertIsNone(self.successResultOf(done))
        self.assertEqual(self.seen, ["first x", "first done", "cancelled", "third x"])

    def test_too_late(self) -> None:
        """Cancelling it when it is over does nothing, but reaches what somebody chained to it."""
        waiting = self.waiting("first")
        done = self.fact.tell("x")
        waiting.callback(None)
        chained: list[str] = []
        done.addCallback(lambda _: Deferred(lambda _: chained.append("cancelled")))
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertEqual((self.seen, chained), (["first x", "first done"], ["cancelled"]))
