"""Promises of `sgcws.realtime.inbox`: one event after the other, and only a full inbox stops the peer."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.inbox import MOST_BYTES, MOST_MESSAGES, OVERFULL, Inbox
from sgcws.realtime.valve import Stop


class Valve:
    """What an inbox stops and starts; it may bring more while it is started."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.held = 0
        self.on_resume: Callable[[], None] = lambda: None

    def hold(self, change: int) -> None:
        """Count what is kept."""
        self.held += change

    def stop(self, why: Stop) -> None:
        """Note it."""
        self.turns.append("pause" if why is Stop.FULL else "pause for good")

    def go_on(self, why: Stop) -> None:
        """Note it."""
        self.turns.append("resume")
        self.on_resume()


class InboxTestCase(SynchronousTestCase):
    """An inbox, and what it has delivered."""

    def setUp(self) -> None:
        """Have an empty inbox."""
        self.valve = Valve()
        self.inbox = Inbox(self.valve)
        self.told: list[object] = []

    def quick(self, name: object) -> None:
        """Deliver an event that is done at once."""
        self.inbox.deliver(1, self.told.append, name)

    def slow(self, name: object, size: int = 1) -> Deferred[None]:
        """Deliver an event that is done when the Deferred fires that is returned, or is cancelled."""
        done: Deferred[None] = Deferred(lambda _: done.callback(None))

        def tell() -> Deferred[None]:
            self.told.append(name)
            return done

        self.inbox.deliver(size, tell)
        return done


class OrderTests(InboxTestCase):
    """One connection's events never overlap."""

    def test_at_once(self) -> None:
        """While nothing is waited for, an event is told before `deliver` returns."""
        self.quick("a")
        self.inbox.deliver(1, lambda *args: self.told.append(args), 1, 2)
        self.assertEqual(self.told, ["a", (1, 2)])

    def test_waits(self) -> None:
        """What comes meanwhile waits, and is told in order."""
        first = self.slow("a")
        self.quick("b")
        second = self.slow("c")
        self.quick("d")
        self.assertEqual(self.told, ["a"])
        first.callback(None)
        self.assertEqual(self.told, ["a", "b", "c"])
        second.callback(None)
        self.assertEqual(self.told, ["a", "b", "c", "d"])
        self.quick("e")
        self.assertEqual(self.told[-1], "e")

    def test_re_entrant(self) -> None:
        """What an event brings about itself is told after it, in order."""

        def tell() -> None:
            self.quick("b")
            self.told.append("a")
            self.quick("c")

        self.inbox.deliver(1, tell)
        self.assertEqual(self.told, ["a", "b", "c"])

    def test_many(self) -> None:
        """Ten thousand that waited are told without a deep stack."""
        first = self.slow(-1)
        for number in range(10_000):
            self.inbox.deliver(0, lambda number: self.told.append(number) or succeed(None), number)  # type: ignore[func-returns-value]
        first.callback(None)
        self.assertEqual(self.told, list(range(-1, 10_000)))

    @given(st.lists(st.tuples(st.integers(0, 40_000), st.booleans(), st.booleans()), max_size=80))
    @settings(deadline=None, max_examples=60)
    def test_any_traffic(self, traffic: list[tuple[int, bool, bool]]) -> None:
        """
        Whatever comes and whenever handlers are done, all is told once and in order, reading is paused and resumed in
        turn, and goes on in the end.
        """
        self.setUp()
        waiting: list[Deferred[None]] = []

        def tell(number: int, slow: bool) -> Deferred[None] | None:
            self.told.append(number)
            if slow:
                waiting.append(Deferred())
            return waiting[-1] if slow else None

        for number, (size, slow, let_go) in enumerate(traffic):
            self.inbox.deliver(size, tell, number, slow)
            if let_go and waiting:
                waiting.pop().callback(None)
        while waiting:
            waiting.pop().callback(None)
        self.assertEqual(self.told, list(range(len(traffic))))
        pauses = len(self.valve.turns) // 2
        self.assertEqual(self.valve.turns, ["pause", "resume"] * pauses)
        self.assertFalse(self.inbox.full)


class FullTests(InboxTestCase):
    """A full inbox pauses reading."""

    def test_messages(self) -> None:
        """At 64 messages that wait, reading is paused; with half of them told it goes on."""
        steps = [self.slow(number) for number in range(MOST_MESSAGES)]
        self.assertEqual((self.valve.turns, self.inbox.full), ([], False))
        steps.append(self.slow("last"))
        self.assertEqual((self.valve.turns, self.inbox.full), (["pause"], True))
        for number, step in enumerate(steps):
            left = MOST_MESSAGES - number
            self.assertEqual(self.valve.turns, ["pause"] if left > MOST_MESSAGES // 2 else ["pause", "resume"])
            step.callback(None)
        self.assertEqual(self.valve.turns, ["pause", "resume"])

    def test_bytes(self) -> None:
        """So it is at 64 KiB, whatever the number; what is being told does not count."""
        first = self.slow("a", MOST_BYTES * 2)
        second = self.slow("b", MOST_BYTES - 1)
        self.assertEqual(self.valve.turns, [])
        third = self.slow("c", 1)
        self.assertEqual(self.valve.turns, ["pause"])
        first.callback(None)
        self.assertEqual((self.told, self.valve.turns), (["a", "b"], ["pause", "resume"]))
        second.callback(None)
        third.callback(None)

    def test_more_than_full(self) -> None:
        """What comes while it is full, such as the end of the connection, is kept, and reading is paused once."""
        first = self.slow("a")
        for name in "bc":
            self.inbox.deliver(MOST_BYTES, self.told.append, name)
        self.quick("end")
        self.assertEqual(self.valve.turns, ["pause"])
        first.callback(None)
        self.assertEqual(self.told, ["a", "b", "c", "end"])

    def test_more_while_resuming(self) -> None:
        """What comes in the moment when reading goes on stands behind what waits."""
        self.valve.on_resume = lambda: self.quick("new")
        first = self.slow("a")
        self.inbox.deliver(MOST_BYTES, self.told.append, "b")
        self.quick("c")
        first.callback(None)
        self.assertEqual(self.told, ["a", "b", "c", "new"])

    def test_again(self) -> None:
        """It can be full again, and again."""
        for _ in range(3):
            step = self.slow("a")
            self.inbox.deliver(MOST_BYTES, self.told.append, "b")
            step.callback(None)
        self.assertEqual(self.valve.turns, ["pause", "resume"] * 3)


    def test_overfull(self) -> None:
        """Many times full, it says so, for reading may go on for an answer; it ends with the other reason."""
        most, _ = OVERFULL
        first = self.slow("a")
        self.inbox.deliver(MOST_BYTES, self.told.append, "b")
        self.inbox.deliver(most - MOST_BYTES - 1, self.told.append, "c")
        self.assertEqual(self.valve.turns, ["pause"])
        self.quick("d")
        self.assertEqual(self.valve.turns, ["pause", "pause for good"])
        first.callback(None)
        self.assertEqual(self.valve.turns, ["pause", "pause for good", "resume"])

    def test_held(self) -> None:
        """What waits is counted, what is being told is not."""
        first = self.slow("a", 5)
        self.inbox.deliver(7, self.told.append, "b")
        self.inbox.deliver(8, self.told.append, "c")
        self.assertEqual(self.valve.held, 15)
        first.callback(None)
        self.assertEqual(self.valve.held, 0)

    def test_discard(self) -> None:
        """Messages that wait can be dropped; what is told of the connection itself stays."""
        first = self.slow("a")
        self.inbox.deliver(7, self.told.append, "b")
        self.inbox.deliver(0, self.told.append, "end")
        self.inbox.discard()
        self.assertEqual(self.valve.held, 0)
        first.callback(None)
        self.assertEqual(self.told, ["a", "end"])


class HurryTests(InboxTestCase):
    """Nobody is waited for any longer."""

    def test_cancels(self) -> None:
        """The event that is waited for is cancelled, and each that waits after it; all are told."""
        first, second = self.slow("a"), self.slow("b")
        self.quick("c")
        self.inbox.hurry()
        self.assertEqual(self.told, ["a", "b", "c"])
        self.assertTrue(first.called and second.called)

    def test_nothing_to_do(self) -> None:
        """With nothing to wait for it does nothing now, but counts for what comes."""
        self.inbox.hurry()
        self.slow("a")
        self.quick("b")
        self.assertEqual(self.told, ["a", "b"])

    def test_by_an_event(self) -> None:
        """An event may be the one that hurries: what it still waits for is cancelled when it returns."""
        waiting: Deferred[None] = Deferred(lambda _: waiting.callback(None))

        def tell() -> Deferred[None]:
            self.inbox.hurry()
            self.told.append("a")
            return waiting

        self.inbox.deliver(1, tell)
        self.quick("b")
        self.assertEqual(self.told, ["a", "b"])

    def test_twice(self) -> None:
        """Hurrying twice is hurrying once."""
        self.slow("a")
        self.inbox.hurry()
        self.inbox.hurry()
        self.quick("b")
        self.assertEqual(self.told, ["a", "b"])
