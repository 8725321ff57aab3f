"""Promises of `sgcws.wiring.plan`."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import ListenError, OptionError, TLSConfigError
from sgcws.options import HTTPOptions, ListenOptions, ServerOptions, TLSOptions
from sgcws.values import Binding
from sgcws.wiring.plan import DEFAULT_PORT, Plan
from tests.memory import Reactor
from tests.tls import tls_files


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
        self.assertEqual(plan.places(), (Binding(port=8080, tls=False),))

    def test_bindings(self) -> None:
        """Bindings may be values and descriptions, from any iterable, and leave no port."""
        binding = Binding(host="127.0.0.1", port=1)
        plan = Plan.of(None, iter((binding, "tcp:2")), None, {})
        self.assertIsNone(plan.port)
        self.assertEqual(plan.places(), (attrs.evolve(binding, tls=False), Binding(endpoint="tcp:2", tls=False)))

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
        self.assertEqual((plan.port, plan.bindings, plan.options), (None, (Binding(endpoint="tcp:2"),), options))
        self.assertEqual(plan.on_port(3).places(), (Binding(port=3, tls=False),))
        self.assertEqual(plan.on(()).places(), (Binding(port=DEFAULT_PORT, tls=False),))
        self.assertEqual(plan.under(ServerOptions()).places(), plan.places())


SECURE = ServerOptions(tls=TLSOptions(certificate="/c"))


class TLSPlanTests(SynchronousTestCase):
    """Where TLS is spoken."""

    def spoken(self, options: ServerOptions, *bindings: Binding | str) -> list[bool | None]:
        """Return whether TLS is spoken, for each binding."""
        return [place.tls for place in Plan.of(None, bindings, options, {}).places()]

    def test_following(self) -> None:
        """A binding that says nothing follows the server, the port and Unix sockets, too."""
        self.assertEqual([place.tls for place in Plan.of(443, (), SECURE, {}).places()], [True])
        self.assertEqual(self.spoken(SECURE), [True])
        self.assertEqual(self.spoken(SECURE, Binding("localhost", 443), "tcp:443", "unix:x"), [True, True, True])
        self.assertEqual(self.spoken(ServerOptions(), Binding("localhost", 80), "tcp:80"), [False, False])

    def test_side_by_side(self) -> None:
        """Plain bindings and such with TLS stand side by side."""
        bindings = (Binding(port=80, tls=False), Binding(port=443, tls=True), Binding(endpoint="tcp:81", tls=False))
        self.assertEqual(self.spoken(SECURE, *bindings), [False, True, False])

    def test_by_itself(self) -> None:
        """A description that is TLS by itself is left alone."""
        self.assertEqual(self.spoken(SECURE, "ssl:443:privateKey=k"), [False])
        self.assertEqual(self.spoken(ServerOptions(), "ssl:443:privateKey=k"), [False])

    def test_without_options(self) -> None:
        """TLS at a binding of a server without options for it is refused, at the latest at the start."""
        bindings = (Binding(port=443, tls=True),)
        error = self.assertRaises(OptionError, Plan.of, None, bindings, None, {})
        self.assertEqual((error.field, error.value), ("Binding.tls", True))
        plan = Plan().on(bindings)
        self.assertRaises(OptionError, plan.places)
        self.assertEqual([place.tls for place in plan.under(SECURE).places()], [True])

    def test_without_certificate(self) -> None:
        """TLS without a certificate is refused by the option that is missing."""
        for options, groups in ((ServerOptions(tls=TLSOptions()), {}), (None, {"tls": TLSOptions()})):
            error = self.assertRaises(OptionError, Plan.of, None, (), options, groups)
            self.assertEqual((error.field, error.value), ("tls.certificate", None))


class OpeningTests(SynchronousTestCase):
    """What listens, made of a plan."""

    def test_endpoints(self) -> None:
        """Each binding has its endpoints, in order."""
        found = Plan.of(None, [Binding("127.0.0.1", 1), "tcp:2"], None, {}).endpoints(Reactor())
        self.assertEqual([str(binding) for binding, _ in found], ["127.0.0.1:1", "tcp:2"])
        self.assertTrue(all(isinstance(endpoint, TCP4ServerEndpoint) for _, endpoint in found))

    def test_wrong_endpoint(self) -> None:
        """A description that names a file that is not there is refused."""
        plan = Plan.of(None, ["ssl:443:privateKey=/missing.pem"], None, {})
        self.assertRaises(ListenError, plan.endpoints, Reactor())

    def test_tls(self) -> None:
        """The files of TLS are read, if there are any to read."""
        reactor = Reactor()
        self.assertIsNone(Plan().over_tls(reactor))
        self.assertRaises(TLSConfigError, Plan().under(SECURE).over_tls, reactor)
        good = ServerOptions(tls=tls_files(self.mktemp()))
        self.assertIsNotNone(Plan().under(good).over_tls(reactor))
