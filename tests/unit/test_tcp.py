"""Promises of `sgcws.tcp`: a connection without a protocol."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.connection import Peer
from sgcws.realtime.inbox import MOST_BYTES
from sgcws.tcp import RawTCPProtocol
from sgcws.values import TransportKind
from tests.support import FakeTransport, World


class RawTCPTests(SynchronousTestCase):
    """A raw TCP peer is a connection like any other."""

    def setUp(self) -> None:
        """Hear of everything."""
        self.world = World()
        self.world.listen()
        self.transport = FakeTransport()
        self.peer: Peer = self.world.peer()

    def begin(self) -> None:
        """Let the protocol take over."""
        self.transport.connect(RawTCPProtocol(self.peer))

    def names(self) -> list[str]:
        """Return the names of what the application heard."""
        return [name for name, *_ in self.world.told]

    def test_messages(self) -> None:
        """Each packet is a binary message; what is written goes out as it is, text as UTF-8."""
        self.begin()
        self.assertIs(self.peer.transport, TransportKind.TCP)
        self.transport.receive(b"\x00ab")
        self.transport.receive(b"c\r\n")
        self.peer.write_data("é")
        self.peer.write_data(b"\xff")
        self.assertEqual(self.world.told, [("connect",), ("binary", b"\x00ab"), ("binary", b"c\r\n")])
        self.assertEqual(self.transport.value(), b"\xc3\xa9\xff")

    def test_no_pings(self) -> None:
        """Raw TCP has no pings."""
        self.begin()
        self.assertIs(self.peer.ping(b"x"), False)
        self.assertEqual(self.transport.value(), b"")

    def test_the_peer_leaves(self) -> None:
        """Its end is told with 1006: there are no close codes."""
        self.begin()
        self.transport.end()
        self.assertEqual(self.world.told, [("connect",), ("disconnect", 1006, "")])

    def test_close(self) -> None:
        """Closing sends what is left; our code is told."""
        self.begin()
        closed = self.peer.close(4000, "enough")
        self.successResultOf(closed)
        self.assertEqual(self.world.told[-1], ("disconnect", 4000, "enough"))
        self.assertFalse(self.transport.aborted)
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_close_and_a_peer_that_takes_nothing(self) -> None:
        """A peer that does not take what is left is dropped after the close timeout."""
        self.transport = FakeTransport(sudden=False)
        self.begin()
        self.peer.close()
        self.world.reactor.advance(self.world.shared.options.websocket.close_timeout)
        self.assertTrue(self.transport.aborted)

    def test_disconnect_in_on_connect(self) -> None:
        """A handler may drop it as soon as it hears of it; what came in with it is not told."""
        self.world.events.on_connect(lambda connection: connection.disconnect())
        self.begin()
        self.transport.receive(b"late")
        self.assertEqual((self.names(), self.transport.aborted), (["connect", "disconnect"], True))

    def test_back_pressure(self) -> None:
        """A full inbox stops reading, and room in it starts it again."""
        waiting: Deferred[None] = Deferred()
        self.world.listen_last("on_binary", lambda connection, data: waiting)
        self.begin()
        for data in (b"first", bytes(MOST_BYTES)):
            self.transport.receive(data)
        self.assertEqual(self.transport.producerState, "paused")
        waiting.callback(None)
        self.assertEqual(self.transport.producerState, "producing")
        self.assertEqual(self.names(), ["connect", "binary", "binary"])

    def test_room_while_it_closes(self) -> None:
        """Reading is not started again on a socket that is being closed."""
        self.transport = FakeTransport(sudden=False)
        waiting: Deferred[None] = Deferred()
        self.world.listen_last("on_binary", lambda connection, data: waiting)
        self.begin()
        for data in (b"first", bytes(MOST_BYTES)):
            self.transport.receive(data)
        self.peer.close()
        waiting.callback(None)
        self.assertEqual(self.transport.producerState, "paused")
