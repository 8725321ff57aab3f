"""Promises of `sgcws.realtime.inbox`: one event after the other, and only a full inbox stops the peer."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.inbox import MOST_BYTES, MOST_MESSAGES, OVERFULL, Inbox
from sgcws.realtime.valve import Stop


class Receiver:
    """
    Whose inbox it is.

    Attributes:
        turns: How it was stopped and started.
        held: Bytes that are kept for it.
        on_resume: Called when it is started; it may bring more.
        on_hold: Called when more is kept.
    """

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.held = 0
        self.on_resume: Callable[[], object] = lambda: None
        self.on_hold: Callable[[], object] = lambda: None

    def hold(self, change: int) -> None:
        """Count what is kept."""
        self.held += change
        assert self.held >= 0
        if change > 0:
            self.on_hold()

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
        self.receiver = Receiver()
        self.inbox = Inbox(self.receiver)
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

    @given(st.lists(st.tuples(st.integers(0, 200_000), st.booleans(), st.booleans()), max_size=80))
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
            self.assertEqual(self.receiver.held, sum(size for size, *_ in traffic[len(self.told) : number + 1]))
        while waiting:
            waiting.pop().callback(None)
        self.assertEqual(self.told, list(range(len(traffic))))
        pauses = [turn for turn in self.receiver.turns if turn != "pause for good"]
        self.assertEqual(pauses, ["pause", "resume"] * (len(pauses) // 2))
        self.assertEqual((self.inbox.full, self.receiver.held), (False, 0))


class FullTests(InboxTestCase):
    """A full inbox pauses reading."""

    def test_messages(self) -> None:
        """At 64 messages that wait, reading is paused; with half of them told it goes on."""
        steps = [self.slow(number) for number in range(MOST_MESSAGES)]
        self.assertEqual((self.receiver.turns, self.inbox.full), ([], False))
        steps.append(self.slow("last"))
        self.assertEqual((self.receiver.turns, self.inbox.full), (["pause"], True))
        for number, step in enumerate(steps):
            left = MOST_MESSAGES - number
            self.assertEqual(self.receiver.turns, ["pause"] if left > MOST_MESSAGES // 2 else ["pause", "resume"])
            step.callback(None)
        self.assertEqual(self.receiver.turns, ["pause", "resume"])

    def test_bytes(self) -> None:
        """So it is at 64 KiB, whatever the number; what is being told does not count."""
        first = self.slow("a", MOST_BYTES * 2)
        second = self.slow("b", MOST_BYTES - 1)
        self.assertEqual(self.receiver.turns, [])
        third = self.slow("c", 1)
        self.assertEqual(self.receiver.turns, ["pause"])
        first.callback(None)
        self.assertEqual((self.told, self.receiver.turns), (["a", "b"], ["pause", "resume"]))
        second.callback(None)
        third.callback(None)

    def test_more_than_full(self) -> None:
        """What comes while it is full, such as the end of the connection, is kept, and reading is paused once."""
        first = self.slow("a")
        for name in "bc":
            self.inbox.deliver(MOST_BYTES, self.told.append, name)
        self.quick("end")
        self.assertEqual(self.receiver.turns, ["pause"])
        first.callback(None)
        self.assertEqual(self.told, ["a", "b", "c", "end"])

    def test_more_while_resuming(self) -> None:
        """What comes in the moment when reading goes on stands behind what waits."""
        self.receiver.on_resume = lambda: self.quick("new")
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
        self.assertEqual(self.receiver.turns, ["pause", "resume"] * 3)

    def test_overfull(self) -> None:
        """Many times full, it says so, for reading may go on for an answer; it ends with the other reason."""
        size, number = OVERFULL
        for many in (False, True):
            self.setUp()
            first = self.slow("a")
            for _ in range(number - 1 if many else 1):
                self.inbox.deliver(0 if many else size - 1, self.told.append, "b")
            self.assertEqual(self.receiver.turns, ["pause"])
            self.quick("c")
            self.quick("d")
            self.assertEqual(self.receiver.turns, ["pause", "pause for good"])
            first.callback(None)
            self.assertEqual(self.receiver.turns, ["pause", "pause for good", "resume"])

    def test_overfull_at_once(self) -> None:
        """One message may bring both."""
        self.slow("a")
        self.inbox.deliver(OVERFULL[0], self.told.append, "b")
        self.assertEqual(self.receiver.turns, ["pause", "pause for good"])

    def test_held(self) -> None:
        """What waits is counted, what is being told is not."""
        first = self.slow("a", 5)
        self.inbox.deliver(7, self.told.append, "b")
        self.inbox.deliver(8, self.told.append, "c")
        self.assertEqual(self.receiver.held, 15)
        first.callback(None)
        self.assertEqual(self.receiver.held, 0)


class DiscardTests(InboxTestCase):
    """What waits can be dropped."""

    def test_messages(self) -> None:
        """Messages that wait are dropped; what is told of the connection itself stays, in order."""
        first = self.slow("a")
        for size, name in ((7, "b"), (0, "error"), (8, "c"), (0, "end")):
            self.inbox.deliver(size, self.told.append, name)
        self.inbox.discard()
        self.assertEqual(self.receiver.held, 0)
        first.callback(None)
        self.assertEqual(self.told, ["a", "error", "end"])

    def test_nothing(self) -> None:
        """Where nothing waits, nothing is dropped."""
        self.inbox.discard()
        self.quick("a")
        self.inbox.discard()
        self.assertEqual((self.told, self.receiver.held), (["a"], 0))

    def test_while_it_is_counted(self) -> None:
        """What makes too much of all together may be dropped in the moment when it is counted."""
        self.receiver.on_hold = lambda: self.inbox.discard()
        first = self.slow("a")
        self.inbox.deliver(5, self.told.append, "b")
        self.assertEqual(self.receiver.held, 0)
        self.inbox.deliver(0, self.told.append, "end")
        first.callback(None)
        self.quick("c")
        self.assertEqual(self.told, ["a", "end", "c"])

    def test_by_an_event(self) -> None:
        """An event may do it: what it dropped is not told after it."""

        def tell() -> None:
            self.told.append("b")
            self.inbox.discard()

        first = self.slow("a")
        self.inbox.deliver(1, tell)
        self.quick("c")
        first.callback(None)
        self.quick("d")
        self.assertEqual((self.told, self.receiver.held), (["a", "b", "d"], 0))

    def test_full(self) -> None:
        """It can be full again after that, and reading goes on when there is room."""
        first = self.slow("a")
        self.inbox.deliver(MOST_BYTES, self.told.append, "b")
        self.inbox.discard()
        self.assertFalse(self.inbox.full)
        self.inbox.deliver(MOST_BYTES, self.told.append, "c")
        first.callback(None)
        self.assertEqual((self.receiver.turns, self.told), (["pause", "resume"], ["a", "c"]))


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
