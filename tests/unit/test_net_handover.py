"""Promises of `sgcws.net.handover`: a socket goes from hand to hand, whatever is wrapped around it."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, KeyPair
from twisted.internet.task import Clock
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.test.iosim import connectedServerAndClient
from twisted.trial.unittest import SynchronousTestCase

from sgcws.net.handover import hand_over
from tests.support import FakeTransport, Quiet, factory_of


class HandoverTests(SynchronousTestCase):
    """The next protocol gets everything, the last one nothing more."""

    def check(self, transport: FakeTransport, first: Quiet) -> None:
        """Hand the socket of *first* over, and see who gets what."""
        second = Quiet()
        transport.receive(b"a")
        hand_over(first.transport, second, b"ab")
        self.assertEqual((first.received, second.received), (b"a", b"ab"))
        self.assertIs(second.transport, first.transport)
        transport.receive(b"c")
        transport.end()
        self.assertEqual((first.received, first.ends), (b"a", 0))
        self.assertEqual((second.received, second.ends), (b"abc", 1))

    def test_plain(self) -> None:
        """A plain socket."""
        transport, first = FakeTransport(), Quiet()
        transport.connect(first)
        self.check(transport, first)

    def test_wrapped(self) -> None:
        """One with a layer around it, such as a throttle."""
        transport, first = FakeTransport(), Quiet()
        transport.connect(WrappingFactory(Factory.forProtocol(Quiet)).buildProtocol(None))
        first = transport.protocol.wrappedProtocol
        self.assertIsInstance(first.transport, ProtocolWrapper)
        self.check(transport, first)

    def test_wrapped_twice(self) -> None:
        """One with two layers."""
        transport = FakeTransport()
        inner = WrappingFactory(Factory.forProtocol(Quiet))
        transport.connect(WrappingFactory(inner).buildProtocol(None))
        self.check(transport, transport.protocol.wrappedProtocol.wrappedProtocol)

    def test_layer_put_in_later(self) -> None:
        """One that got its layer below the protocol, as ``startTLS`` puts it."""
        transport, first = FakeTransport(), Quiet()
        transport.connect(first)
        layer = ProtocolWrapper(WrappingFactory(Factory()), first)
        Protocol.makeConnection(layer, transport)
        layer.factory.registerProtocol(layer)
        transport.protocol = layer
        self.check(transport, first)

    def test_without_data(self) -> None:
        """Without bytes the next protocol is only connected."""
        transport, second = FakeTransport(), Quiet()
        transport.connect(Quiet())
        hand_over(transport, second)
        self.assertEqual((second.received, second.connected), (b"", 1))

    def test_tls(self) -> None:
        """A socket under TLS: the next protocol speaks and is spoken to through the same layer."""
        client, server, clock = Quiet(), Quiet(), Clock()
        options = KeyPair.generate(size=2048).selfSignedCert(1, CN=b"localhost").options()
        accepting: Any = TLSMemoryBIOFactory(options, False, factory_of(server), clock)
        connecting: Any = TLSMemoryBIOFactory(CertificateOptions(), True, factory_of(client), clock)
        _, _, pump = connectedServerAndClient(
            lambda: accepting.buildProtocol(None), lambda: connecting.buildProtocol(None), greet=False, clock=clock
        )

        def say(speaker: Any, words: bytes) -> None:
            speaker.transport.write(words)
            clock.advance(0)
            pump.flush()

        say(client, b"hel")
        second = Quiet()
        self.assertIsInstance(server.transport, TLSMemoryBIOProtocol)
        hand_over(server.transport, second, server.received)
        say(client, b"lo")
        say(second, b"hi")
        self.assertEqual((server.received, second.received, client.received), (b"hel", b"hello", b"hi"))
        client.transport.loseConnection()  # type: ignore[union-attr]
        pump.flush()
        self.assertEqual((server.ends, second.ends), (0, 1))
