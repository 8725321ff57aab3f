"""Promises of `sgcws.rules.gcra`: so many times a second, and so many at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.gcra import Allowance

TODAY = st.floats(1.7e9, 2.1e9)


def burst(allowance: Allowance, now: float, full_at: float = 0.0, most: int = 10_000) -> tuple[int, float]:
    """Spend as much as may be spent at once; return how often that was, and the new state."""
    for count in range(most):
        after = allowance.spend(full_at, now)
        if after is None:
            return count, full_at
        full_at = after
    raise AssertionError("there is no end to it")


class AllowanceTests(SynchronousTestCase):
    """How often something may happen."""

    def test_burst(self) -> None:
        """At once it may happen as often as the burst says, and not once more."""
        for rate, allowed in ((1, 1), (10, 20), (0.5, 3), (100, 200), (1000, 2000)):
            self.assertEqual(burst(Allowance(rate, allowed), 0.0)[0], allowed)

    @given(st.integers(1, 1000), TODAY)
    def test_burst_of_today(self, rate: int, now: float) -> None:
        """So it is at any time of these years, whose seconds have few digits left for fractions."""
        self.assertEqual(burst(Allowance(rate, 2 * rate), now)[0], 2 * rate)

    def test_steady(self) -> None:
        """After that it may happen at the rate."""
        allowance = Allowance(10, 5)
        _, full_at = burst(allowance, 100.0)
        for step in range(1, 50):
            count, full_at = burst(allowance, 100.0 + step / 10, full_at)
            self.assertEqual(count, 1)

    def test_refused_costs_nothing(self) -> None:
        """What may not happen changes nothing: whoever keeps trying is not kept out longer."""
        allowance = Allowance(1, 1)
        full_at = allowance.spend(0.0, 10.0)
        assert full_at is not None
        for _ in range(100):
            self.assertIsNone(allowance.spend(full_at, 10.5))
        self.assertEqual(allowance.spend(full_at, 11.0), 12.0)

    def test_rest(self) -> None:
        """However long nothing happened, no more than the burst may happen at once after it."""
        allowance = Allowance(10, 5)
        _, full_at = burst(allowance, 100.0)
        self.assertEqual(burst(allowance, 1e6, full_at)[0], 5)

    def test_clock_set_back(self) -> None:
        """When the clock is set back, nothing may happen until it is where it was, and nothing breaks."""
        allowance = Allowance(10, 5)
        full_at = allowance.spend(0.0, 1000.0)
        assert full_at is not None
        self.assertIsNone(allowance.spend(full_at, 900.0))
        self.assertIsNotNone(allowance.spend(full_at, 1000.0))

    @given(st.integers(1, 100), st.integers(1, 200), TODAY, st.lists(st.floats(0, 10), max_size=100))
    def test_never_more(self, rate: int, most: int, now: float, waits: list[float]) -> None:
        """Over any stretch of time it happens no more often than the burst, and the rate for as long as it takes."""
        allowance, full_at, count, began = Allowance(rate, most), 0.0, 0, now
        for wait in waits:
            now += wait
            happened, full_at = burst(allowance, now, full_at)
            count += happened
            self.assertLessEqual(count, most + rate * (now - began) + 0.5)
