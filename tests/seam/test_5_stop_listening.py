"""Seam 5: what a stop means for those who are connected."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from sgcws import WebSocketHTTPServer
from tests.memory import Reactor
from tests.stock import stock_factory, stock_site
from tests.web import CLOSE, PING, Frame, Socket, frame, upgrade


class Client(Protocol):
    """Waits for bytes, and for the end."""

    def __init__(self) -> None:
        self.data = b""
        self.wanted = b""
        self.waiting: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()

    def until(self, wanted: bytes) -> Deferred[None]:
        """Return a Deferred that fires when what has come ends with *wanted*."""
        self.wanted, self.waiting = wanted, Deferred()
        return self.waiting

    def dataReceived(self, data: bytes) -> None:
        """Take in some bytes."""
        self.data += data
        if self.data.endswith(self.wanted) and not self.waiting.called:
            self.waiting.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End."""
        self.ended.callback(None)


class StockTests(TestCase):
    """Twisted's port and Autobahn's resource, over TCP."""

    timeout = 20

    async def test_stock(self) -> None:
        """Those who have upgraded stay connected when the port stops listening, and nothing waits for them."""
        port: Any = reactor.listenTCP(0, stock_site(stock_factory(self), reactor), interface="127.0.0.1")
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        client: Any = await endpoint.connect(Factory.forProtocol(Client))
        client.transport.write(upgrade())
        await client.until(b"\r\n\r\n")
        await port.stopListening()
        client.transport.write(frame(PING, b"still there?"))
        await client.until(b"\x8a\x0cstill there?")
        client.transport.write(frame(CLOSE))
        await client.ended


class OurTests(SynchronousTestCase):
    """Our server, in memory."""

    def test_ours(self) -> None:
        """Here they are told, with code 1001, and the stop waits until they are gone."""
        reactor = Reactor()
        told: list[str] = []
        server = WebSocketHTTPServer(8080, reactor=reactor)
        server.on_disconnect(lambda connection, code, reason: told.append(f"{code} {reason}"))
        server.on_shutdown(lambda: told.append("shutdown"))
        self.successResultOf(server.start())
        socket = Socket(reactor, reactor.open[8080])
        socket.open()
        stopped = server.stop()
        self.assertEqual(socket.frames(), [Frame(CLOSE, (1001).to_bytes(2) + b"going away")])
        self.assertNoResult(stopped)
        socket.send(frame(CLOSE, (1001).to_bytes(2)))
        self.assertTrue(socket.closed)
        self.successResultOf(stopped)
        self.assertEqual(told, ["1001 ", "shutdown"])
