"""Promises of `sgcws.wiring.reception`: what becomes of an accepted socket."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import ISystemHandle
from twisted.protocols.policies import WrappingFactory
from zope.interface import implementer

from sgcws.http.channel import Channel
from sgcws.options import ListenOptions
from sgcws.tcp import RawTCPProtocol
from sgcws.values import RawTCP, Scan, TransportKind
from sgcws.wiring.reception import tune
from tests.web import ServerTestCase, Wire, request


class ReceptionTests(ServerTestCase):
    """The ways that a socket can go."""

    def everyone(self) -> tuple[Any, ...]:
        """Return everybody that the server knows of."""
        return self.server.shared.registry.everyone()

    def test_accepted(self) -> None:
        """A socket is a connection from its accept to its end, with the addresses of both sides."""
        client = self.server.connect()
        (peer,) = self.everyone()
        self.assertEqual((peer.ip, peer.port), ("127.0.0.1", client.transport.getPeer().port))
        self.assertEqual(peer.local_port, client.transport.getHost().port)
        client.leave()
        self.assertEmpty()

    def test_asked(self) -> None:
        """The application is asked about it, before anything is read; nobody hears of one that is refused."""
        asked: list[Any] = []
        self.events.on_tcp_connect(lambda connection: asked.append(connection))  # type: ignore[func-returns-value]
        client = self.server.connect()
        self.assertEqual(tuple(asked), self.everyone())
        client.send(request("/x"))
        self.assertTrue(client.received().startswith(b"HTTP/1.1 404 "))
        self.events.on_tcp_connect.remove(self.events.on_tcp_connect._handler)  # type: ignore[arg-type]
        self.events.on_tcp_connect(lambda connection: False)
        self.assertTrue(self.server.connect().closed)
        self.assertEqual(self.server.told, [])

    def test_http(self) -> None:
        """HTTP goes to our channel, which speaks for the connection."""
        client = self.server.connect()
        client.send(b"GET ")
        channel = client.transport.protocol
        self.assertIs(type(channel), Channel)
        self.assertEqual((channel.tenant,), self.everyone())
        self.assertIs(channel.tenant.holder, channel)

    def test_raw(self) -> None:
        """What the application wants to keep without a protocol stays without one."""
        for event, answer in ((self.events.on_tcp_connect, RawTCP()), (self.events.on_unknown_protocol, True)):
            handler = event(lambda *args, answer=answer: answer)  # type: ignore[call-overload]
            client = self.server.connect()
            client.send(b"\x00")
            self.assertIs(type(client.transport.protocol), RawTCPProtocol)
            self.assertIs(self.everyone()[-1].transport, TransportKind.TCP)
            event.remove(handler)

    def test_end_of_frame(self) -> None:
        """Messages of raw TCP end where the answer says."""
        told: list[bytes] = []
        self.events.on_binary(lambda connection, data: told.append(data))
        self.events.on_unknown_protocol(lambda connection, data: RawTCP(b"\0", Scan.ALL))
        client = self.server.connect()
        for packet in (b"\0a", b"b\0c\0d"):
            client.send(packet)
        self.assertEqual(told, [b"", b"ab", b"c"])

    def test_unknown(self) -> None:
        """What nobody understands and nobody wants is closed."""
        asked: list[bytes] = []
        self.events.on_unknown_protocol(lambda connection, data: asked.append(data))  # type: ignore[func-returns-value]
        client = self.server.connect()
        client.send(b"\x00\x01")
        self.assertTrue(client.closed)
        self.assertEqual(asked, [b"\x00\x01"])
        self.assertEmpty()


@implementer(ISystemHandle)
class RealWire(Wire):
    """A wire with a real socket, which is never connected."""

    def getHandle(self) -> socket.socket:
        """Return it."""
        return self.handle

    handle: socket.socket


class TuneTests(ServerTestCase):
    """Options of sockets."""

    def wire(self) -> RealWire:
        """Return a transport with a real socket."""
        client = self.server.connect()
        wire = RealWire(self.reactor, client.transport.getHost(), client.transport.getPeer())
        wire.handle = socket.socket()
        self.addCleanup(wire.handle.close)
        return wire

    def test_no_delay(self) -> None:
        """By default small writes are sent at once, and idle sockets are not probed."""
        wire = self.wire()
        tune(wire, ListenOptions())
        self.assertEqual((wire.no_delay, wire.keep_alive), (True, False))
        tune(wire, ListenOptions(tcp_no_delay=False))
        self.assertFalse(wire.no_delay)

    def test_keep_alive(self) -> None:
        """If they are to be probed, they are after the time that was asked for, under a wrapper as well."""
        wire = self.wire()
        tune(wire, ListenOptions(tcp_keep_alive=33))
        self.assertTrue(wire.keep_alive)
        self.assertEqual(wire.handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 33)
        wire = self.wire()
        wrapper = WrappingFactory(self.server.factory).buildProtocol(None)
        wrapper.makeConnection(wire)
        tune(wrapper, ListenOptions(tcp_keep_alive=44))
        self.assertEqual(wire.handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 44)

    def test_without_a_handle(self) -> None:
        """A transport that has no socket is left without."""
        wire = self.server.connect().transport
        tune(wire, ListenOptions(tcp_keep_alive=33))
        self.assertTrue(wire.keep_alive)

    def test_unix(self) -> None:
        """A Unix socket has none of these options, though Twisted's transport for it says it had."""
        wire = self.wire()
        wire.hostAddr = UNIXAddress("/run/x")
        tune(wire, ListenOptions(tcp_keep_alive=33))
        self.assertEqual((wire.no_delay, wire.keep_alive), (False, False))
