"""Tests of `shout`, with a server in memory: no port is opened, and no time passes."""

from __future__ import annotations

from typing import Any

from shout import make_server
from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

UPGRADE = (
    b"GET /shout HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Wire(StringTransport):
    """What stands for a socket; its protocol is whoever holds it at the moment."""

    protocol: Any = None

    def send(self, data: bytes) -> bytes:
        """Send bytes to the server, and return what it answers."""
        self.clear()
        self.protocol.dataReceived(data)
        answer: bytes = self.value()
        return answer


class ShoutTests(SynchronousTestCase):
    """What the server answers."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.server = make_server(self.reactor)
        started = self.server.start()
        self.reactor.run()
        self.successResultOf(started)

    def connect(self) -> Wire:
        """Open a connection."""
        wire = Wire()
        factory = self.reactor.tcpServers[0][1]
        wire.protocol = factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 50000))
        wire.protocol.makeConnection(wire)
        return wire

    def test_page(self) -> None:
        """The page says how many are here."""
        wire = self.connect()
        self.assertIn(b"0 here", wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))

    def test_shout(self) -> None:
        """A message comes back in upper case."""
        wire = self.connect()
        self.assertIn(b"101 Switching Protocols", wire.send(UPGRADE))
        self.assertEqual(wire.send(frame(b"hello")), b"\x81\x05HELLO")

    def test_silent_peer(self) -> None:
        """A peer that says nothing for 10 seconds is closed."""
        wire = self.connect()
        self.reactor.pump([1.0] * 9)
        self.assertFalse(wire.disconnected)
        self.reactor.pump([1.0])
        self.assertTrue(wire.disconnected)


def frame(text: bytes) -> bytes:
    """Write a short text message as a client does: masked, here with zeros (RFC 6455 section 5.2)."""
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text
