"""Seam 13: Twisted's own HTTP/2, which answers by itself where the package ``h2`` is installed."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Site

from sgcws.http.site import CommandSite
from sgcws.options import HTTPOptions
from sgcws.rules.first_bytes import HTTP2_PREFACE
from tests.tls import TLSClient, self_signed, under_tls
from tests.web import ServerTestCase, request

OFFERS = (b"h2", b"http/1.1")


class StockHTTP2(Protocol):
    """Stands for Twisted's, and notes what it is given."""

    requestFactory = site = factory = timeOut = callLater = None
    given: list[bytes]

    def dataReceived(self, data: bytes) -> None:
        """Note some bytes."""
        self.given.append(data)

    def pauseProducing(self) -> None:
        """Do nothing."""

    resumeProducing = stopProducing = pauseProducing


class HTTP2Tests(ServerTestCase):
    """Twisted as it is with ``h2`` installed."""

    def setUp(self) -> None:
        """Let it look as if it were, whether it is or not."""
        super().setUp()
        self.given: list[bytes] = []
        self.patch(http, "H2_ENABLED", True)
        found = vars(http).get("H2Connection")
        vars(http)["H2Connection"] = type("H2Connection", (StockHTTP2,), {"given": self.given})
        self.addCleanup(vars(http).__setitem__, "H2Connection", found)

    def over_tls(self, factory: Any) -> TLSClient:
        """Connect a client that would rather speak HTTP/2."""
        port = self.server.listen(under_tls(factory, self_signed(), self.reactor))
        return TLSClient(self.server.connect(port), OFFERS)

    def test_stock(self) -> None:
        """A stock Site hands whoever has negotiated HTTP/2 over to it."""
        site = Site(Resource(), reactor=self.reactor)
        client = self.over_tls(site)
        self.assertEqual(client.negotiated, b"h2")
        client.send(HTTP2_PREFACE)
        self.assertEqual(self.given, [HTTP2_PREFACE])

    def test_our_port(self) -> None:
        """Our port under TLS negotiates HTTP/1.1, and speaks it."""
        client = self.over_tls(self.server.factory)
        self.assertEqual(client.negotiated, b"http/1.1")
        client.send(request("/x"))
        self.assertTrue(client.received().startswith(b"HTTP/1.1 404 "))
        self.assertEqual(self.given, [])

    def test_our_site(self) -> None:
        """Our Site does not either, and its channel stays what it is, whatever was negotiated."""
        site = CommandSite(self.server.root, HTTPOptions(), self.reactor)
        self.assertEqual(self.over_tls(site).negotiated, b"http/1.1")
        socket = self.server.connect(self.server.listen(site))
        socket.transport.negotiatedProtocol = b"h2"
        self.assertEqual(socket.ask(request("/x")).status, 404)
        self.assertEqual(self.given, [])

    def test_preface(self) -> None:
        """Whoever speaks HTTP/2 to our port without asking is told that it is not spoken, and closed."""
        for client in (self.server.connect(), self.over_tls(self.server.factory)):
            client.send(HTTP2_PREFACE)
            self.assertIn(b"\x00\x00\x00\x0d", client.received())
            self.assertTrue(client.closed)
        self.assertEqual(self.given, [])

    def test_preface_later(self) -> None:
        """After a request it is no request."""
        socket = self.server.connect()
        socket.ask(request("/x"))
        socket.send(HTTP2_PREFACE)
        self.assertIn(b" 400 ", socket.received())
        self.assertTrue(socket.closed)
        self.assertEqual(self.given, [])
