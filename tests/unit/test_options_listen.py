"""Tests of `sgcws.options.listen`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.listen import ListenOptions


class ListenOptionsTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """The defaults are those of the contract."""
        options = ListenOptions()
        self.assertEqual((options.backlog, options.tcp_no_delay, options.tcp_keep_alive), (1024, True, None))
        self.assertEqual(options.memory_limit, 512 * 1024**2)

    def test_refused(self) -> None:
        """A value that the system would refuse later is refused now."""
        wrong: tuple[dict[str, Any], ...] = (
            {"backlog": 0},
            {"backlog": True},
            {"memory_limit": 0},
            {"tcp_no_delay": 1},
            {"tcp_keep_alive": 0},
            {"tcp_keep_alive": 40000},
        )
        for given in wrong:
            error = self.assertRaises(OptionError, ListenOptions, **given)
            self.assertEqual({error.field: error.value}, given)
