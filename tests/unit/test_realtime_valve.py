"""Promises of `sgcws.realtime.valve`: reading stops for as long as there is a reason, and for nothing awaited."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.valve import Stop, Valve


class Flow:
    """What comes in; it may bring more while it is started."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.on_resume: Callable[[], object] = lambda: None

    def pause(self) -> None:
        """Note it."""
        self.turns.append("pause")

    def resume(self) -> None:
        """Note it."""
        self.turns.append("resume")
        self.on_resume()


class ValveTests(SynchronousTestCase):
    """A flow is told only what changes."""

    def setUp(self) -> None:
        """Have one that is open."""
        self.flow = Flow()
        self.valve = Valve(self.flow)

    def expect(self, *turns: str) -> None:
        """Look at what the flow was told, and forget it."""
        told, self.flow.turns = self.flow.turns, []
        self.assertEqual(told, list(turns))

    def test_one_reason(self) -> None:
        """Each reason stops it, once, until it is taken back."""
        for why in Stop:
            self.valve.stop(why)
            self.valve.stop(why)
            self.assertTrue(self.valve.stopped)
            self.expect("pause")
            self.assertIs(self.valve.go_on(why), True)
            self.assertIs(self.valve.go_on(why), False)
            self.expect("resume")
            self.assertFalse(self.valve.stopped)

    def test_several(self) -> None:
        """Of several, one is enough."""
        self.valve.stop(Stop.FULL)
        self.valve.stop(Stop.APPLICATION)
        self.assertIs(self.valve.go_on(Stop.FULL), False)
        self.expect("pause")
        self.assertIs(self.valve.go_on(Stop.APPLICATION), True)
        self.expect("resume")

    def test_awaited(self) -> None:
        """While something is awaited it is open, until all of that has come or failed; the answer is left as it is."""
        self.valve.stop(Stop.APPLICATION | Stop.FULL)
        first, second = Deferred[str](), Deferred[str]()
        self.assertIs(self.valve.open_for(first), first)
        self.valve.open_for(second)
        self.expect("pause", "resume")
        first.callback("a")
        self.expect()
        second.errback(OSError())
        self.expect("pause")
        self.assertEqual(self.successResultOf(first), "a")
        self.failureResultOf(second, OSError)

    def test_overfull(self) -> None:
        """It stops even then when there is far too much."""
        self.valve.open_for(Deferred[str]())
        self.valve.stop(Stop.FULL)
        self.expect()
        self.valve.stop(Stop.OVERFULL)
        self.expect("pause")
        self.valve.go_on(Stop.FULL | Stop.OVERFULL)
        self.expect("resume")

    def test_open(self) -> None:
        """It can be opened whatever the reasons."""
        self.valve.open()
        self.expect()
        self.valve.stop(Stop.FULL | Stop.OVERFULL | Stop.APPLICATION | Stop.QUESTION)
        self.valve.open()
        self.expect("pause", "resume")
        self.valve.stop(Stop.FULL)
        self.expect("pause")

    def test_lost(self) -> None:
        """Once the connection has ended, the flow is told nothing, whatever was stopped or awaited."""
        answer = Deferred[str]()
        self.valve.stop(Stop.APPLICATION)
        self.valve.open_for(answer)
        self.valve.lost()
        answer.callback("a")
        self.expect("pause", "resume")
        self.setUp()
        self.valve.stop(Stop.APPLICATION)
        self.valve.lost()
        self.expect("pause")
        self.assertFalse(self.valve.stopped)

    def test_stopped_while_it_opens(self) -> None:
        """What comes in the moment when it opens may stop it again."""
        self.valve.stop(Stop.APPLICATION)
        self.flow.on_resume = lambda: self.valve.stop(Stop.FULL)
        self.assertIs(self.valve.go_on(Stop.APPLICATION), False)
        self.expect("pause", "resume", "pause")
        self.assertTrue(self.valve.stopped)

    @given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(Stop)))))
    def test_any_order(self, steps: list[tuple[int, Stop]]) -> None:
        """Whatever the order, it is stopped exactly while it has to be, and its flow is told in turns."""
        self.setUp()
        reasons: set[Stop] = set()
        awaited: list[Deferred[str]] = []
        for what, why in steps:
            if what == 0:
                self.valve.stop(why)
                reasons.add(why)
            elif what == 1:
                self.valve.go_on(why)
                reasons.discard(why)
            elif awaited:
                awaited.pop().callback("")
            else:
                awaited.append(Deferred())
                self.valve.open_for(awaited[-1])
            expected = Stop.OVERFULL in reasons or bool(reasons and not awaited)
            self.assertEqual(self.valve.stopped, expected)
            self.assertEqual(self.flow.turns[-1:] == ["pause"], expected)
        pairs = (len(self.flow.turns) + 1) // 2
        self.assertEqual(self.flow.turns, (["pause", "resume"] * pairs)[: len(self.flow.turns)])
