"""Tests of `sgcws.options.heartbeat`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.heartbeat import HeartbeatOptions
from sgcws.options.server import ServerOptions


class HeartbeatOptionsTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """The defaults are those of the contract, and the heartbeat is on."""
        options = HeartbeatOptions()
        self.assertEqual((options.interval, options.timeout, options.only_if_idle), (60.0, 20.0, True))
        self.assertEqual(ServerOptions().heartbeat, options)

    def test_refused(self) -> None:
        """Zero means nothing here: for ever is None, off is no group at all."""
        wrong: tuple[dict[str, Any], ...] = (
            {"interval": 0},
            {"interval": None},
            {"interval": float("inf")},
            {"timeout": 0},
            {"timeout": -1},
            {"only_if_idle": 1},
        )
        for given in wrong:
            error = self.assertRaises(OptionError, HeartbeatOptions, **given)
            self.assertEqual({error.field: error.value}, given)

    def test_off(self) -> None:
        """The heartbeat as a whole can be off, and its timeout by itself, in a file too."""
        self.assertIsNone(ServerOptions(heartbeat=None).heartbeat)
        self.assertIsNone(ServerOptions.from_mapping({"heartbeat": False}).heartbeat)
        options = ServerOptions.from_mapping({"heartbeat": {"timeout": "none", "interval": 30}})
        self.assertEqual(options.heartbeat, HeartbeatOptions(interval=30.0, timeout=None))
