"""Promises of `sgcws.websocket.resource`: a place where requests upgrade, in anybody's `Site`."""

from __future__ import annotations

from typing import Any

from twisted.internet.ssl import CertificateOptions
from twisted.protocols.policies import WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data
from twisted.web.test.requesthelper import DummyRequest

from sgcws.websocket import WebSocketResource
from sgcws.wiring.assembly import upgrades
from tests.tls import TLSClient, self_signed, under_tls
from tests.web import CLOSE, TEXT, Frame, ServerTestCase, frame, request, upgrade


class ResourceTests(ServerTestCase):
    """Our resource among others."""

    def setUp(self) -> None:
        """Put it below another resource, beside a page."""
        super().setUp()
        self.events.on_message(lambda connection, text: connection.write_data(text))
        self.resource = WebSocketResource(upgrades(self.server.shared, self.reactor))
        self.top = Resource()
        self.top.putChild(b"ws", self.resource)
        self.top.putChild(b"page", Data(b"page", "text/plain"))

    def check_echo(self, socket: Any, path: str = "/ws") -> None:
        """Fail unless a WebSocket opens, echoes and ends well."""
        socket.open(path=path)
        socket.send(frame(TEXT, b"x"))
        self.assertEqual(socket.frames(), [Frame(TEXT, b"x")])
        socket.send(frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(socket.frames(), [Frame(CLOSE, b"\x03\xe8")])
        self.assertTrue(socket.closed)

    def test_stock_site(self) -> None:
        """It works in a stock Site, there and at every path below."""
        port = self.server.listen(Site(self.top, reactor=self.reactor))
        for path in ("/ws", "/ws/", "/ws/a/b?c"):
            self.check_echo(self.server.connect(port), path)
        self.assertEqual(self.server.connect(port).ask(request("/page")).body, b"page")
        self.assertEqual(self.server.told, ["connect", (1000, "")] * 3)
        self.assertEqual(self.server.shared.registry.everyone(), ())

    def test_stock_site_ends(self) -> None:
        """There it ends as it does on our channel: dropped, failed, left, or after a request before it."""
        port = self.server.listen(Site(self.top, reactor=self.reactor))
        timers = self.reactor.getDelayedCalls()
        for data, code in ((frame(7), 1002), (b"", 1006)):
            socket = self.server.connect(port)
            socket.ask(request("/page"))
            socket.open(path="/ws")
            socket.send(data)
            socket.leave()
            self.assertEqual(self.server.told.pop()[0], code)
        self.assertEqual(self.server.shared.registry.everyone(), ())
        self.assertEqual(self.reactor.getDelayedCalls(), timers)

    def test_own_tree(self) -> None:
        """It can be put into our own tree."""
        self.server.root.putChild(b"sub", self.top)
        self.check_echo(self.server.connect(), "/sub/ws/x")
        self.assertEqual(self.ask(request("/sub/page")).body, b"page")

    def test_wrapped(self) -> None:
        """It works where something stands between the socket and the Site."""
        port = self.server.listen(WrappingFactory(Site(self.top, reactor=self.reactor)))
        self.check_echo(self.server.connect(port))

    def test_no_upgrade(self) -> None:
        """A request for a page is told that there is none, and how to ask."""
        for port in (None, self.server.listen(Site(self.top, reactor=self.reactor))):
            self.server.root.putChild(b"ws", self.resource)
            answer = self.server.connect(port).ask(request("/ws"))
            self.assertEqual((answer.status, answer.header("Upgrade")), (426, b"websocket"))
            answer = self.server.connect(port).ask(upgrade(path="/ws", method="POST"))
            self.assertEqual((answer.status, answer.header("Allow")), (405, b"GET"))

    def test_http2_of_others(self) -> None:
        """Over HTTP/2 in somebody else's Site there is no such upgrade, and no harm done."""

        class Stream:
            """As much of a channel as Twisted's HTTP/2 has."""

            transport = None
            site = Site(self.top)

            def getPeer(self) -> None:
                """Nobody."""

            getHost = getPeer

        asked = DummyRequest([b"ws"])
        asked.channel = Stream()
        asked.method, asked.uri, asked.path, asked.clientproto = b"GET", b"/ws", b"/ws", b"HTTP/2"
        asked.requestHeaders.setRawHeaders(b"Upgrade", [b"websocket"])
        asked.startedWriting, asked.cookies, asked.isSecure = 0, [], lambda: True
        self.resource.render(asked)
        self.assertEqual(asked.responseCode, 426)


class TLSTests(ServerTestCase):
    """Everything under TLS."""

    def setUp(self) -> None:
        """Start a server whose port speaks TLS."""
        super().setUp()
        self.events.on_message(lambda connection, text: connection.write_data(text))
        self.certificate: CertificateOptions = self_signed()

    def client(self, factory: Any) -> TLSClient:
        """Connect to a port where *factory* stands under TLS."""
        port = self.server.listen(under_tls(factory, self.certificate, self.reactor))
        return TLSClient(self.server.connect(port))

    def check_echo(self, client: TLSClient, path: str) -> None:
        """Fail unless a WebSocket opens, echoes and ends well."""
        client.send(upgrade("Origin: https://localhost", path=path))
        self.assertTrue(client.received().startswith(b"HTTP/1.1 101 "))
        client.send(frame(TEXT, b"x"))
        self.assertEqual(client.received(), b"\x81\x01x")
        client.send(frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(client.received(), b"\x88\x02\x03\xe8")
        self.assertTrue(client.closed)

    def test_own(self) -> None:
        """Our own port works under TLS, requests and WebSockets."""
        client = self.client(self.server.factory)
        client.send(request("/x"))
        self.assertTrue(client.received().startswith(b"HTTP/1.1 404 "))
        self.check_echo(client, "/")
        self.assertEqual(self.server.told, ["connect", (1000, "")])
        self.assertEmpty()

    def test_stock_site(self) -> None:
        """So does our resource in a stock Site, with something in between as well."""
        top = Resource()
        top.putChild(b"ws", WebSocketResource(upgrades(self.server.shared, self.reactor)))
        site = Site(top, reactor=self.reactor)
        for factory in (site, WrappingFactory(site)):
            self.check_echo(self.client(factory), "/ws")
        self.assertEqual(self.server.shared.registry.everyone(), ())

    def test_failing_peer(self) -> None:
        """A peer that fails hears why, then the end, which under TLS has no halves."""
        client = self.client(self.server.factory)
        client.send(upgrade())
        client.received()
        client.send(frame(7))
        self.assertEqual(client.received(), b"\x88\x10\x03\xeaprotocol error")
        self.assertTrue(client.closed)
        self.assertEqual(self.server.told, ["connect", 1002, (1002, "protocol error")])
        self.assertEmpty()

    def test_scheme_counts(self) -> None:
        """Where TLS ends here, a page that came without it may not connect."""
        client = self.client(self.server.factory)
        client.send(upgrade("Origin: http://localhost:443", "Host: localhost:443"))
        self.assertTrue(client.received().startswith(b"HTTP/1.1 403 "))
