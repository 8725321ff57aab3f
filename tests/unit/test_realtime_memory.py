"""Promises of `sgcws.realtime.memory`: what waits stays within the limit, at the cost of those who hold most."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.memory import Memory, most_first


class Somebody:
    """
    A holder, which keeps the codes that it is evicted with.

    Args:
        memory: Where it counts what it holds.
        held: Bytes that it holds at first.
        stuck: Of them, those that it frees only when it is evicted again.
    """

    def __init__(self, memory: Memory, held: int = 0, stuck: int = 0) -> None:
        self.memory = memory
        self.held = held
        self.stuck = stuck
        self.codes: list[int] = []

    def hold(self, count: int) -> None:
        """Hold more."""
        self.held += count
        self.memory.hold(count)

    def change(self, by: int) -> None:
        """Hold more, or less."""
        if by >= 0:
            self.hold(by)
        else:
            self.held += by
            self.memory.release(-by)

    def evict(self, code: int) -> None:
        """Keep the code, and hold nothing, or what is stuck."""
        stuck = 0 if self.codes else self.stuck
        self.codes.append(code)
        freed, self.held = self.held - stuck, stuck
        self.memory.release(freed)


class MemoryTestCase(SynchronousTestCase):
    """An account with a limit of 100 bytes, and those who hold some."""

    def setUp(self) -> None:
        """Have an empty account, and nobody."""
        self.everybody: list[Somebody] = []
        self.asked = 0
        self.memory = Memory(100, self.holders)

    def holders(self) -> list[Somebody]:
        """Return everybody, and count the calls."""
        self.asked += 1
        return self.everybody

    def somebody(self, held: int = 0, stuck: int = 0) -> Somebody:
        """Return a new holder."""
        self.everybody.append(Somebody(self.memory, held, stuck))
        self.memory.hold(held)
        return self.everybody[-1]

    def evicted(self) -> list[int]:
        """Return the places of those who were evicted."""
        return [place for place, somebody in enumerate(self.everybody) if somebody.codes]


class MemoryTests(MemoryTestCase):
    """The limit."""

    def test_below(self) -> None:
        """As long as there is room nobody is looked at, up to the last byte."""
        for held in (60, 40):
            self.somebody(held)
        self.assertEqual((self.memory.total, self.asked), (100, 0))
        self.memory.release(30)
        self.assertEqual(self.memory.total, 70)

    def test_most_first(self) -> None:
        """Who holds most is closed, with 1013, and nobody else if that is enough."""
        small, big, other = (self.somebody(held) for held in (20, 50, 30))
        small.hold(1)
        self.assertEqual(big.codes, [1013])
        self.assertEqual((small.codes, other.codes, self.memory.total), ([], [], 51))

    def test_one_after_the_other(self) -> None:
        """As many are closed as have to be, the next biggest next."""
        self.memory.limit = 1000
        for held in (10, 40, 30, 20):
            self.somebody(held)
        self.memory.limit = 40
        self.everybody[0].hold(1)
        self.assertEqual((self.evicted(), self.memory.total), ([1, 2], 31))

    def test_itself(self) -> None:
        """Who holds the byte that is too much may be the one who has to go, before `hold` returns."""
        greedy = self.somebody(10)
        greedy.hold(91)
        self.assertEqual((greedy.codes, greedy.held, self.memory.total), ([1013], 0, 0))

    def test_equal(self) -> None:
        """Of those who hold the same, the one that was named first goes first."""
        for _ in range(3):
            self.somebody(34)
        self.assertEqual(self.evicted(), [0])


class HardCasesTests(MemoryTestCase):
    """Holders that do not do what is asked, or do more."""

    def test_nothing_held(self) -> None:
        """Who holds nothing is left alone, even if there is no room."""
        self.somebody(0)
        self.memory.hold(101)
        self.assertEqual(self.evicted(), [])

    def test_something_stuck(self) -> None:
        """One that cannot free everything at once has to, if it still holds most, before anybody else has to go."""
        stuck, other = self.somebody(60, stuck=55), self.somebody(30)
        other.hold(20)
        self.assertEqual((stuck.codes, other.codes, self.memory.total), ([1013, 1013], [], 50))

    def test_little_stuck(self) -> None:
        """One that frees enough keeps the rest until it is gone."""
        stuck, other = self.somebody(60, stuck=20), self.somebody(30)
        other.hold(20)
        self.assertEqual((stuck.codes, other.codes, self.memory.total), ([1013], [], 70))

    def test_nobody_frees(self) -> None:
        """When nobody frees anything, that is the end of it."""
        stuck = self.somebody(60)
        stuck.evict = stuck.codes.append  # type: ignore[method-assign]
        self.memory.hold(50)
        self.assertEqual((stuck.codes, self.memory.total), ([1013, 1013], 110))

    def test_re_entrant(self) -> None:
        """What an eviction makes others hold is counted, and they may have to go in their turn."""
        victim, heir = self.somebody(60), self.somebody(30)
        plain = victim.evict

        def evict(code: int) -> None:
            plain(code)
            heir.hold(90)

        victim.evict = evict  # type: ignore[method-assign]
        heir.hold(11)
        self.assertEqual((victim.codes, heir.codes, self.memory.total), ([1013], [1013], 0))

    def test_failure(self) -> None:
        """An eviction that fails leaves an account that goes on."""
        victim = self.somebody(60)

        def evict(code: int) -> None:
            raise OSError

        victim.evict = evict  # type: ignore[method-assign]
        self.assertRaises(OSError, self.memory.hold, 50)
        del victim.evict
        self.memory.hold(1)
        self.assertEqual((victim.codes, self.memory.total), ([1013], 51))

    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(-60, 120)), max_size=60))
    @settings(deadline=None)
    def test_any_traffic(self, traffic: list[tuple[int, int]]) -> None:
        """Whoever holds and releases what: the account is right, it is within the limit, and the biggest had to go."""
        self.setUp()
        for _ in range(10):
            self.somebody()
        for place, change in traffic:
            for somebody in self.everybody:
                somebody.codes.clear()
            held = [somebody.held for somebody in self.everybody]
            held[place] = max(0, held[place] + change)
            self.everybody[place].change(held[place] - self.everybody[place].held)
            self.assertEqual(self.memory.total, sum(somebody.held for somebody in self.everybody))
            self.assertLessEqual(self.memory.total, 100)
            gone = [held[each] for each in self.evicted()]
            self.assertGreaterEqual(min(gone, default=100), max(somebody.held for somebody in self.everybody))


class MostFirstTests(SynchronousTestCase):
    """The order."""

    @given(st.lists(st.integers(0, 5)))
    def test_order(self, amounts: list[int]) -> None:
        """All who hold anything come, those with more first, and in their order those with as much."""
        memory = Memory(10**9, tuple)
        everybody = [Somebody(memory, held) for held in amounts]
        expected = sorted((each for each in everybody if each.held), key=lambda each: -each.held)
        found = []
        for each in most_first(everybody):
            found.append(each)
            each.held = 0
        self.assertEqual(found, expected)
