"""Promises of `sgcws.rules.retry`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.retry import retry_delay

ATTEMPTS = st.integers(min_value=0, max_value=10**9)
INTERVALS = st.floats(min_value=0.0, max_value=1e9)


class RetryDelayTests(SynchronousTestCase):
    """The first attempt at once, then ever more seldom, up to a bound."""

    def test_series(self) -> None:
        """The waits are none, one interval, two, four, and eight from then on."""
        waits = [retry_delay(attempt, 10.0) for attempt in range(7)]
        self.assertEqual(waits, [0.0, 10.0, 20.0, 40.0, 80.0, 80.0, 80.0])

    def test_whole_seconds(self) -> None:
        """An interval in whole seconds gives a float like any other."""
        self.assertIsInstance(retry_delay(3, 2), float)

    @given(ATTEMPTS, INTERVALS)
    def test_bounded(self, attempt: int, interval: float) -> None:
        """No wait is negative or longer than eight intervals, however often it failed."""
        self.assertTrue(0.0 <= retry_delay(attempt, interval) <= 8 * interval)

    @given(ATTEMPTS, INTERVALS)
    def test_monotone(self, attempt: int, interval: float) -> None:
        """No attempt comes sooner after the last than that one did."""
        self.assertLessEqual(retry_delay(attempt, interval), retry_delay(attempt + 1, interval))
