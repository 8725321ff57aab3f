"""Tests of `sgcws.options.watchdog`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.watchdog import Monitor, WatchdogOptions


class WatchdogOptionsTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """By default it tries for ever, every ten seconds, and does not look from outside."""
        options = WatchdogOptions()
        self.assertEqual((options.interval, options.attempts, options.monitor), (10.0, None, None))
        self.assertEqual((Monitor().interval, Monitor().timeout), (30.0, 5.0))

    def test_refused(self) -> None:
        """Zero attempts means nothing here: for ever is None, off is no group at all."""
        wrong: tuple[dict[str, Any], ...] = (
            {"attempts": 0},
            {"attempts": 1.0},
            {"attempts": False},
            {"interval": 0},
            {"interval": float("nan")},
            {"monitor": 30.0},
            {"monitor": WatchdogOptions()},
        )
        for given in wrong:
            error = self.assertRaises(OptionError, WatchdogOptions, **given)
            self.assertEqual(error.field, next(iter(given)))

    def test_monitor(self) -> None:
        """The monitor checks itself, too."""
        self.assertRaises(OptionError, Monitor, timeout=0)
        self.assertEqual(WatchdogOptions(monitor=Monitor(timeout=1)).monitor, Monitor(timeout=1.0))
