"""Promises of `sgcws.wiring.plan`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options import HTTPOptions, ListenOptions, ServerOptions
from sgcws.values import Binding
from sgcws.wiring.plan import DEFAULT_PORT, Plan


class PlanTests(SynchronousTestCase):
    """What a start goes by, made of what a user gave."""

    def refused(self, *args: Any) -> OptionError:
        """Return the error for what cannot be planned."""
        error: OptionError = self.assertRaises(OptionError, Plan.of, *args)
        return error

    def test_nothing_given(self) -> None:
        """Without a word it is port 8080 on all interfaces, with default options."""
        plan = Plan.of(None, (), None, {})
        self.assertEqual((plan.port, plan.bindings, plan.options), (8080, (), ServerOptions()))
        self.assertEqual(plan.places(), (Binding(port=8080),))

    def test_bindings(self) -> None:
        """Bindings may be values and descriptions, from any iterable, and leave no port."""
        binding = Binding(host="127.0.0.1", port=1)
        plan = Plan.of(None, iter((binding, "tcp:2")), None, {})
        self.assertIsNone(plan.port)
        self.assertEqual(plan.places(), (binding, Binding(endpoint="tcp:2")))

    def test_port_and_bindings(self) -> None:
        """A port and bindings together are refused by the port's name."""
        self.assertEqual(self.refused(80, ["tcp:81"], None, {}).field, "port")

    def test_port(self) -> None:
        """What is no port is refused, whatever it is, with the field, the value and what is allowed."""
        for wrong in (-1, 65536, "8080", True, 80.0):
            error = self.refused(wrong, (), None, {})
            self.assertEqual((error.field, error.value), ("port", wrong))
            self.assertIn("from 0 to 65535", str(error))

    def test_groups(self) -> None:
        """Groups that are given take the place of the default ones."""
        plan = Plan.of(None, (), None, {"listen": ListenOptions(backlog=7), "watchdog": None})
        self.assertEqual(plan.options, ServerOptions(listen=ListenOptions(backlog=7), watchdog=None))

    def test_group_both_ways(self) -> None:
        """A group beside whole options is refused by its name, even if it is off."""
        self.assertEqual(self.refused(None, (), ServerOptions(), {"http": HTTPOptions()}).field, "http")
        error = self.refused(None, (), ServerOptions(), {"watchdog": None})
        self.assertEqual(
            str(error), "watchdog: None is not allowed; allowed: the group in options or by itself, not both"
        )

    def test_no_options(self) -> None:
        """What are no options are refused, whole or by group."""
        self.assertEqual(self.refused(None, (), {"http": {}}, {}).field, "options")
        self.assertEqual(self.refused(None, (), None, {"http": {"charset": "utf-8"}}).field, "http")
        self.assertEqual(self.refused(None, (), None, {"http": None}).field, "http")

    def test_changes(self) -> None:
        """A port takes the place of bindings, and bindings that of a port; without either it is 8080 again."""
        options = ServerOptions(watchdog=None)
        plan = Plan.of(1, (), options, {}).on(["tcp:2"])
        self.assertEqual((plan.port, plan.places(), plan.options), (None, (Binding(endpoint="tcp:2"),), options))
        self.assertEqual(plan.on_port(3).places(), (Binding(port=3),))
        self.assertEqual(plan.on(()).places(), (Binding(port=DEFAULT_PORT),))
        self.assertEqual(plan.under(ServerOptions()).places(), plan.places())
