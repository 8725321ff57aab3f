"""Tests of `sgcws.options.description`: one list of all options."""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from sgcws.options.description import describe
from sgcws.options.watchdog import WatchdogOptions


class DescribeTests(SynchronousTestCase):
    def test_one(self) -> None:
        """An option has its names in file, environment and command line, and all that was declared."""
        (one,) = (each for each in describe() if each.name == "websocket.max_message_size")
        self.assertEqual(one.path, ("websocket", "max_message_size"))
        self.assertEqual(one.variable, "SGCWS_WEBSOCKET__MAX_MESSAGE_SIZE")
        self.assertEqual(one.flag, "websocket-max-message-size")
        self.assertEqual(
            (one.type_name, one.default, one.since, one.live), ("bytes", "64 MiB", "26.11", True)
        )
        self.assertIn("1009", one.doc)
        self.assertIn("MiB", one.allowed)

    def test_group(self) -> None:
        """The list can begin at any group; a group that can be off stands before its own options."""
        self.assertEqual(
            [(each.name, each.default) for each in describe(WatchdogOptions)],
            [
                ("interval", "10"),
                ("attempts", "none"),
                ("monitor", "off"),
                ("monitor.interval", "30"),
                ("monitor.timeout", "5"),
            ],
        )

    def test_switches(self) -> None:
        """Of the groups, exactly those that can be off are in the list."""
        switches = [each.name for each in describe() if each.metadata.kind.group is not None]
        groups = ["websocket.compression", "tls", "heartbeat", "watchdog", "watchdog.monitor", "fallback"]
        self.assertEqual(switches, [*groups, "fallback.server_sent_events"])

    def test_names_are_unique(self) -> None:
        """No two options share a variable or a flag, and none takes those of port and bindings."""
        for names in ([each.variable for each in describe()], [each.flag for each in describe()]):
            self.assertEqual([name for name, count in Counter(names).items() if count > 1], [])
            self.assertFalse({"SGCWS_PORT", "SGCWS_BINDINGS", "port", "bindings"} & set(names))

    def test_docs(self) -> None:
        """Each option says in one sentence what it is."""
        for each in describe():
            self.assertRegex(each.doc, r"^[A-Z].*\.$")
