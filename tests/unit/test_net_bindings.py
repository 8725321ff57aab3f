"""Promises of `sgcws.net.bindings`: what a user says about where to listen is understood, or refused by name."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import endpoints as twisted_endpoints
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.plugins.twisted_core import systemdEndpointParser, tcp6ServerEndpointParser
from twisted.python.systemd import ListenFDs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from sgcws.errors import ListenError, OptionError
from sgcws.net import bindings as module
from sgcws.net.bindings import as_bindings, endpoints_for, wildcard_interfaces, with_backlog
from sgcws.net.inherited import InheritedEndpoint
from sgcws.values import Binding
from tests.support import raiser

kinds = st.sampled_from(["tcp", "TCP", "tcp6", "unix", "ssl", "systemd", "tls", "haproxy", "stdio", "nosuch", "", "1"])
fields = st.sampled_from(
    (
        *(":", "=", "\\", " ", "é", "\0", "\ud800", "80", "65536", "-1", "port=8", "interface=::1", "backlog=5"),
        *("/tmp/x", "mode=660", "mode=9", "lockfile=0", "privateKey=/nosuch", "no=such"),
        *("domain=INET", "index=0", "name=x"),
    )
)
near_misses = st.tuples(kinds, st.lists(fields, max_size=5).map(":".join)).map(":".join)


class AsBindingsTests(SynchronousTestCase):
    """A list of bindings, as values or as descriptions."""

    def test_allowed(self) -> None:
        """Descriptions become bindings; bindings stay what they are."""
        binding = Binding(port=80)
        self.assertEqual(as_bindings(["tcp:80", binding]), (Binding(endpoint="tcp:80"), binding))
        self.assertEqual(as_bindings(iter(["unix:/x"])), (Binding(endpoint="unix:/x"),))
        self.assertEqual(as_bindings(()), ())

    def test_no_list(self) -> None:
        """A single binding, which somebody forgot to put in a list, is refused."""
        for single in ("tcp:80", 80, None, Binding(port=80)):
            error = self.assertRaises(OptionError, as_bindings, single)
            self.assertEqual((error.field, error.allowed), ("bindings", "a list of them"))

    def test_no_binding(self) -> None:
        """What is no binding and no description is refused by its value."""
        for wrong in (80, None, b"tcp:80", "8080", "", ":80", "/run/x", "[::1]:80", "localhost"):
            error = self.assertRaises(OptionError, as_bindings, ["tcp:80", wrong])
            self.assertEqual((error.field, error.value), ("bindings", wrong))

    def test_not_here(self) -> None:
        """Descriptions of Twisted's that are not for us are refused, with the reason, in both forms."""
        for kind in ("haproxy", "HAProxy", "stdio"):
            for wrong in (f"{kind}:tcp:80", Binding(endpoint=f"{kind}:")):
                error = self.assertRaises(OptionError, as_bindings, [wrong])
                self.assertIn(f"any description but {kind.lower()}:", error.allowed)

    def test_unknown_kind(self) -> None:
        """A kind that neither Twisted nor a plugin knows is refused when it is given, with the nearest one known."""
        for wrong, kind, near in (("tpc:80", "tpc", "tcp"), ("TCP:80", "TCP", "tcp"), ("unx:/x", "unx", "unix")):
            error = self.assertRaises(OptionError, as_bindings, [wrong])
            self.assertEqual(error.value, wrong)
            self.assertIn(f"this one: no kind is called {kind!r}; did you mean {near}?", error.allowed)

    def test_read_when_given(self) -> None:
        """What takes no file to read is read when it is given; certificates and systemd's sockets have time."""
        for wrong in ("tcp:80:interfac=127.0.0.1", "tcp6:80:interface=::1", "tcp:65536", "unix:/x:mode=9", "tcp:"):
            error = self.assertRaises(OptionError, as_bindings, [wrong])
            self.assertEqual((error.field, error.value), ("bindings", wrong))
        for later in ("ssl:443", "ssl:443:privateKey=/nosuch", "systemd:domain=INET:index=0"):
            self.assertEqual(as_bindings([later]), (Binding(endpoint=later),))

    def test_plugins(self) -> None:
        """A plugin's kind is known in any case of letters; its parser is not called yet."""
        self.patch(module, "getPlugins", lambda _: [tcp6ServerEndpointParser])
        self.assertEqual(as_bindings(["TCP6:nonsense"]), (Binding(endpoint="TCP6:nonsense"),))
        self.patch(module, "getPlugins", raiser(AssertionError("looked for plugins")))
        self.assertEqual(len(as_bindings(["tcp:80", "unix:/x", "ssl:443", "systemd:INET:name=x"])), 4)


class EndpointsTests(SynchronousTestCase):
    """A binding becomes one endpoint, or a few that belong together."""

    def setUp(self) -> None:
        """Have a reactor in memory."""
        self.reactor = MemoryReactorClock()

    def listen(self, binding: Binding) -> list[tuple[Any, ...]]:
        """Listen, and return what the reactor was asked for: port, interface, backlog; a Unix socket's path."""
        for endpoint in endpoints_for(self.reactor, binding, 1024):
            verifyObject(IStreamServerEndpoint, endpoint)
            self.successResultOf(endpoint.listen(Factory()))
        tcp = [(port, interface, backlog) for port, _, backlog, interface in self.reactor.tcpServers]
        ssl = [(port, interface, backlog) for port, _, _, backlog, interface in self.reactor.sslServers]
        unix = [(path, backlog) for path, _, backlog, _, _ in self.reactor.unixServers]
        return tcp + ssl + unix

    def test_port(self) -> None:
        """A port listens on what the host says; an address with colons is IPv6."""
        self.assertEqual(self.listen(Binding("127.0.0.1", 80)), [(80, "127.0.0.1", 1024)])
        self.setUp()
        self.assertEqual(self.listen(Binding("::1", 0)), [(0, "::1", 1024)])
        kinds = {"::1": TCP6ServerEndpoint, "0.0.0.0": TCP4ServerEndpoint, "localhost": TCP4ServerEndpoint}
        for host, kind in kinds.items():
            (endpoint,) = endpoints_for(self.reactor, Binding(host, 80), 1)
            self.assertIsInstance(endpoint, kind)

    def test_all_interfaces(self) -> None:
        """Without a host it listens on all there are, IPv4 and IPv6."""
        for interfaces in (("::",), ("::", "0.0.0.0"), ("0.0.0.0",)):
            self.setUp()
            self.patch(module, "wildcard_interfaces", lambda interfaces=interfaces: interfaces)
            self.assertEqual(self.listen(Binding(port=80)), [(80, interface, 1024) for interface in interfaces])

    def test_descriptions(self) -> None:
        """Descriptions are Twisted's; our backlog is used where none is given."""
        for description, asked in (
            ("tcp:80", (80, "", 1024)),
            ("tcp:port=80:interface=127.0.0.1", (80, "127.0.0.1", 1024)),
            ("tcp:interface=127.0.0.1:port=80", (80, "127.0.0.1", 1024)),
            ("tcp:80:backlog=7", (80, "", 7)),
            ("tcp:80:127.0.0.1:7", (80, "127.0.0.1", 7)),
            ("tcp6:80", (80, "::", 1024)),
            ("tcp6:80:7", (80, "::", 7)),
            ("tcp:80:interface=\\:\\:1", (80, "::1", 1024)),
            ("unix:/run/x", ("/run/x", 1024)),
        ):
            with self.subTest(description=description):
                self.setUp()
                self.assertEqual(self.listen(Binding(endpoint=description)), [asked])

    def test_refused(self) -> None:
        """What cannot be read is refused as the user wrote it, whatever Twisted and its plugins raise."""
        for description in (
            "tcp:",
            "tcp:http",
            "tcp:65536",
            "tcp:-1",
            "tcp:99999999999999999999",
            "tcp:80:no=such",
            "tcp:80:a:b:c:d",
            "tcp:80\\",
            "tcp:80:backlog=many",
            "tcp6:65536",
            "tcp6:x",
            "ssl:70000",
            "unix:/run/backlog=x",
            "unix:/x:mode=9",
            "unix:/x:lockfile=maybe",
            "systemd:",
            "systemd:domain=INET",
            "systemd:domain=INET:index=0",
            "systemd:domain=INET:name=nosuch",
            "systemd:domain=INET:index=x",
            "nosuch:80",
            "fd:3",
            "tcp",
            "",
        ):
            with self.subTest(description=description):
                error = self.assertRaises(OptionError, endpoints_for, self.reactor, Binding(endpoint=description), 1)
                self.assertEqual((error.field, error.value), ("bindings", description))

    def test_port_out_of_range(self) -> None:
        """A port that is none says so."""
        error = self.assertRaises(OptionError, endpoints_for, self.reactor, Binding(endpoint="tcp:65536"), 1)
        self.assertEqual(error.allowed, "a port from 0 to 65535")

    def refusal(self, description: str) -> str:
        """Return what is said about a description that cannot be read."""
        error = self.assertRaises(OptionError, endpoints_for, self.reactor, Binding(endpoint=description), 1)
        self.assertEqual(error.allowed.splitlines(), [error.allowed])
        return error.allowed

    def test_reason(self) -> None:
        """Why it cannot be read is told in Twisted's words, which are about the user's own text, in one line."""
        for description, reason in (
            ("nosuch:80", "Unknown endpoint type: 'nosuch'"),
            ("tcp:80:interfac=x", "got an unexpected keyword argument 'interfac'"),
            ("tcp:80:backlog=ma\nny", "invalid literal"),
            ("systemd:domain=INET", "Specify exactly one of descriptor index or name"),
            ("systemd:domain=INET:name=nosuch", "KeyError: 'nosuch'"),
        ):
            words = self.refusal(description)
            self.assertIn(f"; this one: {reason}", words)
            self.assertNotIn("within a value", words)

    def test_colons(self) -> None:
        """Colons that were not escaped are suspected where a description has more fields than it should."""
        for description in (
            "tcp6:80:interface=::1",
            "tcp:80:interface=fe80:0:0:0:0:0:0:1",
            "tcp:80:::1:5:6",
            "unix:/x:lockfile=C:y:z",
        ):
            self.assertIn(r"; a colon within a value is written \:, as in interface=\:\:1", self.refusal(description))

    def test_missing_files(self) -> None:
        """A certificate that is not there, or is none, is the machine's fault: a `ListenError` with the binding."""
        missing = f"ssl:443:privateKey={self.mktemp()}"
        error = self.assertRaises(ListenError, endpoints_for, self.reactor, Binding(endpoint=missing), 1)
        self.assertEqual((error.binding, error.errno), (missing, errno.ENOENT))
        self.assertEqual(error.reason, f"{os.strerror(errno.ENOENT)}: {os.path.abspath(missing[19:])}")
        junk = self.mktemp()
        with open(junk, "w", encoding="ascii") as file:
            file.write("junk")
        error = self.assertRaises(ListenError, endpoints_for, self.reactor, Binding(endpoint=f"ssl:443:{junk}"), 1)
        self.assertEqual(error.reason, "the certificate or the key cannot be used")

    def test_systemd(self) -> None:
        """A socket that systemd hands us can be listened on again and again."""
        self.patch(systemdEndpointParser, "_sddaemon", ListenFDs([77], ["chat"]))
        for description in ("systemd:domain=INET:index=0", "systemd:INET6:name=chat"):
            (endpoint,) = endpoints_for(self.reactor, Binding(endpoint=description), 1)
            self.assertIsInstance(endpoint, InheritedEndpoint)

    def test_no_plugins(self) -> None:
        """Only a kind that Twisted itself does not know makes it look through the plugins of the machine."""
        self.patch(twisted_endpoints, "getPlugins", raiser(AssertionError()))
        own = ("tcp:80", "unix:/x", "tcp:x", "8080", "", "localhost", "haproxy:tcp:80", "stdio:", "[::1]:80")
        for description in own:
            try:
                endpoints_for(self.reactor, Binding(endpoint=description), 1)
            except OptionError as error:
                self.assertNotIsInstance(error.__cause__, AssertionError)
        error = self.assertRaises(OptionError, endpoints_for, self.reactor, Binding(endpoint="plugin:x"), 1)
        self.assertIsInstance(error.__cause__, AssertionError)

    @given(st.text(max_size=20) | near_misses)
    @settings(deadline=None, max_examples=300)
    def test_any_text(self, description: str) -> None:
        """Any text gives an endpoint, or an error with that text, and nothing is opened or connected."""
        self.setUp()
        self.patch(twisted_endpoints, "getPlugins", lambda _: [tcp6ServerEndpointParser, systemdEndpointParser])
        self.patch(socket, "socket", raiser(AssertionError("touched")))
        try:
            found = endpoints_for(self.reactor, Binding(endpoint=description), 1)
        except OptionError as error:
            self.assertEqual((error.field, error.value), ("bindings", description))
        except ListenError as error:
            self.assertEqual(error.binding, description)
            self.assertTrue(description.startswith("ssl:"))
        else:
            (endpoint,) = found
            self.assertTrue(IStreamServerEndpoint.providedBy(endpoint))
        opened = (self.reactor.tcpServers, self.reactor.unixServers, self.reactor.sslServers, self.reactor.tcpClients)
        self.assertEqual(opened, ([], [], [], []))


class BacklogTests(SynchronousTestCase):
    """Our backlog is added where it is wanted."""

    def test_cases(self) -> None:
        """It is added by its name where a description takes one and has none."""
        for description, added in (
            ("tcp:80", True),
            ("tcp:80:127.0.0.1", True),
            ("tcp:80:127.0.0.1:5", False),
            ("tcp:80:backlog=5", False),
            ("tcp:80:backlog\\=5", True),
            ("tcp6:80:5", False),
            ("unix:/x\\:y:666", True),
            ("unix:/x:666:5", False),
            ("ssl:443:k.pem:c.pem:SSLv23_METHOD:127.0.0.1", True),
            ("tls:/keys:443", True),
            ("systemd:domain=INET:index=0", False),
            ("onion:80", False),
        ):
            expected = f"{description}:backlog=9" if added else description
            self.assertEqual(with_backlog(description, 9), expected)


class WildcardTests(SynchronousTestCase):
    """All interfaces of this machine are one socket or two."""

    def patch_socket(self, alone: int | None) -> None:
        """Have a machine whose IPv6 sockets hear that alone, or both, or that has no IPv6."""

        class Probe:
            def __init__(self, *args: object) -> None:
                if alone is None:
                    raise OSError(errno.EAFNOSUPPORT, "no")

            def __enter__(self) -> Probe:
                return self

            def __exit__(self, *args: object) -> None:
                pass

            def bind(self, address: object) -> None:
                pass

            def getsockopt(self, *args: object) -> int | None:
                return alone

        self.patch(socket, "socket", Probe)

    def test_machines(self) -> None:
        """One for both where the system says so, else one each; without IPv6 it is IPv4 alone."""
        for alone, interfaces in ((0, ("::",)), (1, ("::", "0.0.0.0")), (None, ("0.0.0.0",))):
            self.patch_socket(alone)
            self.assertEqual(wildcard_interfaces(), interfaces)
