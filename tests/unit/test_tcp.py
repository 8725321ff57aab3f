"""Promises of `sgcws.tcp`: a connection without a protocol."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from sgcws.options import ServerOptions, WebSocketOptions
from sgcws.realtime.connection import Peer
from sgcws.realtime.inbox import MOST_BYTES, MOST_MESSAGES
from sgcws.tcp import MOST_AT_ONCE, RawTCPProtocol
from sgcws.values import Part, RawTCP, Scan, TransportKind
from tests.support import FakeTransport, World

LINES = RawTCP(b"\n", Scan.ALL)

streams = st.lists(st.sampled_from((b"a", b"b\n", b"\n", b"\n" * 50, b"c\n" * 70)), max_size=12).map(b"".join)


def numbered(count: int, first: int = 0) -> bytes:
    """Return that many lines."""
    return b"".join(b"%d\n" % number for number in range(first, first + count))


class RawTCPTestCase(SynchronousTestCase):
    """A raw TCP peer."""

    def setUp(self) -> None:
        """Hear of everything."""
        self.world = World()
        self.world.listen()
        self.transport = FakeTransport()

    def begin(self, answer: RawTCP = LINES) -> None:
        """Let the protocol take over."""
        self.peer: Peer = self.world.peer()
        self.framing = RawTCPProtocol(self.peer, answer)
        self.transport.connect(self.framing)

    def allow(self, size: int) -> None:
        """Let messages have no more bytes than that."""
        self.world.shared.options = ServerOptions(websocket=WebSocketOptions(max_message_size=size))

    def due(self) -> list[Any]:
        """Return the calls that wait for the reactor's next turn."""
        reactor = self.world.reactor
        return [call for call in reactor.getDelayedCalls() if call.getTime() <= reactor.seconds()]

    def turn(self) -> None:
        """Let the reactor turn once; the clock of tests would make calls that are set meanwhile, too."""
        for call in self.due():
            self.world.reactor.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)

    def turns(self) -> None:
        """Let turns go by until nothing waits for one."""
        while self.due():
            self.turn()

    def names(self) -> list[str]:
        """Return the names of what the application heard."""
        return [name for name, *_ in self.world.told]

    def heard(self) -> list[bytes]:
        """Return the messages that the application heard."""
        return [data for name, *rest in self.world.told if name == "binary" for data in rest]

    def hold(self) -> Deferred[None]:
        """Have the handler of the first message wait."""
        waiting: Deferred[None] = Deferred()
        self.world.listen_last("on_binary", lambda connection, data: waiting)
        return waiting


class RawTCPTests(RawTCPTestCase):
    """A raw TCP peer is a connection like any other."""

    def test_messages(self) -> None:
        """Each packet is a binary message; what is written goes out as it is, text as UTF-8."""
        self.begin(RawTCP())
        self.assertIs(self.peer.transport, TransportKind.TCP)
        self.transport.receive(b"\x00ab")
        self.transport.receive(b"c\r\n")
        self.peer.write_data("é")
        self.peer.write_data(b"\xff")
        self.assertEqual(self.world.told, [("connect",), ("binary", b"\x00ab"), ("binary", b"c\r\n")])
        self.assertEqual(self.transport.value(), b"\xc3\xa9\xff")

    def test_nothing_is_added(self) -> None:
        """No terminator is added to what is written, and neither fragments nor parts show on the wire."""
        self.begin()
        self.assertTrue(self.peer.write_data("abcde", fragment_size=2))
        for part, data in ((Part.FIRST, b"1"), (Part.CONTINUE, b"2"), (Part.LAST, b"3")):
            self.assertTrue(self.peer.write_data(data, part=part))
        self.assertEqual(self.transport.value(), b"abcde123")

    def test_no_pings(self) -> None:
        """Raw TCP has no pings."""
        self.begin()
        self.assertIsNone(self.framing.encode_ping(b"x"))
        self.assertIs(self.framing.answers_pings, False)

    def test_the_peer_leaves(self) -> None:
        """Its end is told with 1006: there are no close codes."""
        self.begin()
        self.transport.end()
        self.assertEqual(self.world.told, [("connect",), ("disconnect", 1006, "")])

    def test_the_peer_sends_no_more(self) -> None:
        """One that only sends no more gets the answers to what it has sent, however late, before it is closed."""
        waiting: Deferred[None] = Deferred()

        def answer(connection: Any, data: bytes) -> Deferred[None]:
            return waiting.addCallback(lambda _: connection.write_data(data + b"!") and None)

        self.world.listen_last("on_binary", answer)
        self.begin()
        self.transport.receive(b"a\nb\nc")
        self.framing.readConnectionLost()
        self.assertFalse(self.transport.disconnecting)
        waiting.callback(None)
        self.assertEqual((self.transport.value(), self.transport.disconnecting), (b"a!b!", True))
        self.assertEqual(self.names(), ["connect", "binary", "binary", "disconnect"])

    def test_close(self) -> None:
        """Closing sends what is left; our code is told."""
        self.begin()
        closed = self.peer.close(4000, "enough")
        self.successResultOf(closed)
        self.assertEqual(self.world.told[-1], ("disconnect", 4000, "enough"))
        self.assertFalse(self.transport.aborted)
        self.assertEqual(self.due(), [])

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
        self.transport.receive(b"late\n")
        self.assertEqual((self.names(), self.transport.aborted), (["connect", "disconnect"], True))

    def test_back_pressure(self) -> None:
        """A full inbox stops reading, and room in it starts it again."""
        waiting = self.hold()
        self.begin(RawTCP())
        for data in (b"first", bytes(MOST_BYTES)):
            self.transport.receive(data)
        self.assertEqual(self.transport.producerState, "paused")
        waiting.callback(None)
        self.assertEqual(self.transport.producerState, "producing")
        self.assertEqual(self.names(), ["connect", "binary", "binary"])

    def test_room_while_it_closes(self) -> None:
        """A peer that is being closed is read, so that it comes to read what was sent; it is not heard any more."""
        self.transport = FakeTransport(sudden=False)
        waiting = self.hold()
        self.begin(RawTCP())
        for data in (b"first", bytes(MOST_BYTES)):
            self.transport.receive(data)
        self.peer.close()
        self.assertEqual(self.transport.producerState, "producing")
        self.transport.receive(b"late")
        waiting.callback(None)
        self.assertEqual((self.transport.producerState, self.names()), ("producing", ["connect", "binary", "binary"]))

    def test_messages_while_it_closes(self) -> None:
        """The same where messages wait for their turn."""
        self.transport = FakeTransport(sudden=False)
        self.begin()
        self.transport.receive(numbered(MOST_AT_ONCE + 1))
        self.assertEqual(self.transport.producerState, "paused")
        self.peer.close()
        self.turns()
        self.assertEqual((self.transport.producerState, len(self.heard())), ("producing", MOST_AT_ONCE))


class EndOfFrameTests(RawTCPTestCase):
    """Messages end where the application said."""

    def test_all(self) -> None:
        """With `Scan.ALL` each terminator ends a message, wherever it comes; an empty message is one, too."""
        self.begin(RawTCP(b"\r\n", Scan.ALL))
        for data in (b"a\r\nb", b"c\r", b"\n\r\n"):
            self.transport.receive(data)
        self.assertEqual(self.heard(), [b"a", b"bc", b""])
        self.assertEqual((self.peer.messages_received, self.peer.bytes_received), (3, 3))

    def test_latest(self) -> None:
        """With `Scan.LATEST` it has to be the last that came."""
        self.begin(RawTCP(b"\r\n", Scan.LATEST))
        for data in (b"a\r\nb", b"c\r", b"\n"):
            self.transport.receive(data)
        self.assertEqual(self.heard(), [b"a\r\nbc"])

    def test_unfinished(self) -> None:
        """What has no end when the peer leaves is not a message."""
        self.begin()
        self.transport.receive(b"a\nb")
        self.transport.end()
        self.assertEqual(self.names(), ["connect", "binary", "disconnect"])

    def test_too_big(self) -> None:
        """A message that does not end is an error, and the peer is dropped; it is told nothing."""
        for data in ((b"123456",), (b"12345\n",), (b"12", b"345", b"6")):
            self.setUp()
            self.allow(4)
            self.begin()
            for packet in data:
                if self.transport.connected:
                    self.transport.receive(packet)
            (_, error), disconnect = self.world.told[1:]
            self.assertEqual((error.code, error.reason), (1009, "message too big"))
            self.assertEqual(disconnect, ("disconnect", 1009, "message too big"))
            self.assertEqual((self.transport.aborted, self.transport.value()), (True, b""))

    def test_before_it(self) -> None:
        """Messages before one that is too big come first, though it takes some turns."""
        self.allow(4)
        self.transport = FakeTransport(sudden=False)
        self.begin()
        self.transport.receive(b"ab\n" * (MOST_AT_ONCE + 1) + b"123456")
        self.assertFalse(self.transport.aborted)
        self.turns()
        self.assertEqual(self.names(), ["connect", *["binary"] * (MOST_AT_ONCE + 1), "error"])
        self.transport.receive(b"late\n")
        self.transport.end()
        self.assertEqual(self.names()[-1], "disconnect")
        self.assertTrue(self.transport.aborted)

    def test_closed_for_it(self) -> None:
        """A handler that hears of the error may close the connection itself."""
        self.allow(4)
        self.world.listen_last("on_error", lambda connection, error: connection.close() and None)
        self.begin()
        self.transport.receive(b"123456")
        self.assertEqual(self.names(), ["connect", "error", "disconnect"])

    def test_packets(self) -> None:
        """With `Scan.NONE` nothing is too big: a large packet comes in pieces."""
        self.allow(4)
        self.begin(RawTCP())
        self.transport.receive(b"123456")
        self.assertEqual(self.heard(), [b"1234", b"56"])


class ShareTests(RawTCPTestCase):
    """One read with many messages takes neither the reactor nor the memory."""

    def test_one_turn(self) -> None:
        """Only so many messages are delivered in one turn, the rest in later ones; nothing is read meanwhile."""
        self.begin()
        self.transport.receive(numbered(2 * MOST_AT_ONCE + 1))
        for count in (1, 2):
            self.assertEqual(len(self.heard()), count * MOST_AT_ONCE)
            self.assertEqual(self.transport.producerState, "paused")
            self.turn()
        self.assertEqual(self.heard(), numbered(2 * MOST_AT_ONCE + 1).split())
        self.assertEqual(self.transport.producerState, "producing")
        self.assertEqual(self.due(), [])

    def test_just_one_turn(self) -> None:
        """As many as one turn takes need no other."""
        self.begin()
        self.transport.receive(numbered(MOST_AT_ONCE))
        self.assertEqual(len(self.heard()), MOST_AT_ONCE)
        self.assertEqual((self.transport.producerState, self.due()), ("producing", []))

    def test_what_comes_meanwhile(self) -> None:
        """What comes in all the same, as over TLS, waits behind the rest."""
        self.begin()
        self.transport.receive(numbered(MOST_AT_ONCE + 1))
        self.transport.receive(numbered(1, MOST_AT_ONCE + 1))
        self.assertEqual(len(self.heard()), MOST_AT_ONCE)
        self.turns()
        self.assertEqual(self.heard(), numbered(MOST_AT_ONCE + 2).split())

    def test_full_inbox(self) -> None:
        """A full inbox stops what was read already; with room in it that goes on, then reading does."""
        waiting = self.hold()
        self.begin()
        self.transport.receive(numbered(1000))
        self.turns()
        self.assertEqual(self.peer.messages_received, 1 + MOST_MESSAGES)
        self.transport.receive(numbered(1, 1000))
        self.assertEqual(self.peer.messages_received, 1 + MOST_MESSAGES)
        waiting.callback(None)
        self.assertLessEqual(self.peer.messages_received, 1 + MOST_MESSAGES + MOST_AT_ONCE)
        self.assertEqual(self.transport.producerState, "paused")
        self.turns()
        self.assertEqual(self.heard(), numbered(1001).split())
        self.assertEqual(self.transport.producerState, "producing")

    def test_paused_by_a_handler(self) -> None:
        """After `pause`, also from within a handler, not one message more of the same read comes until `resume`."""
        self.world.events.on_binary(lambda connection, data: self.framing.pause() if data == b"2" else None)
        self.begin()
        self.transport.receive(numbered(9))
        self.turns()
        self.assertEqual((len(self.heard()), self.transport.producerState), (3, "paused"))
        self.framing.resume()
        self.turns()
        self.assertEqual((len(self.heard()), self.transport.producerState), (9, "producing"))

    def test_paused_for_a_moment(self) -> None:
        """A handler may pause and resume; messages go on in their order."""

        def handle(connection: Any, data: bytes) -> None:
            self.framing.pause()
            self.framing.resume()

        self.world.events.on_binary(handle)
        self.begin()
        self.transport.receive(numbered(9))
        self.assertEqual((self.heard(), self.transport.producerState), (numbered(9).split(), "producing"))

    @given(streams, st.lists(st.integers(0, 1500), max_size=6), st.lists(st.booleans(), max_size=12), st.booleans())
    @settings(deadline=None, max_examples=60)
    def test_any_stream(self, data: bytes, places: list[int], pauses: list[bool], leaves: bool) -> None:
        """However a stream is cut, whenever it is paused, also if the peer leaves at last: all lines come, in order."""
        self.setUp()
        self.begin()
        inside = sorted(place for place in places if place < len(data))
        packets = [data[start:end] for start, end in zip([0, *inside], [*inside, len(data)], strict=True)]
        for packet, pause in zip(packets, [*pauses, *[False] * len(packets)], strict=False):
            if pause:
                self.framing.pause()
            self.transport.receive(packet) if packet else None
            self.turn()
            self.framing.resume()
        if leaves:
            self.transport.end()
        self.turns()
        self.assertEqual(self.heard(), data.split(b"\n")[:-1])
        self.assertEqual(self.names().count("disconnect"), leaves)
        self.assertEqual(self.due(), [])


class MemoryTests(RawTCPTestCase):
    """What is kept of a peer counts as its."""

    def test_unfinished(self) -> None:
        """A message that has not ended counts until it has."""
        self.begin()
        self.transport.receive(b"12345")
        self.assertEqual(self.peer.held, 5)
        self.transport.receive(b"67\n8")
        self.assertEqual(self.peer.held, 1)
        self.transport.end()
        self.assertEqual((self.peer.held, self.world.shared.memory.total), (0, 0))

    def test_waiting(self) -> None:
        """So does what waits for its turn, or for room in the inbox, and what comes meanwhile."""
        self.begin()
        self.transport.receive(b"12\n" * (MOST_AT_ONCE + 2))
        self.assertEqual(self.peer.held, 6)
        self.transport.receive(b"12\n")
        self.assertEqual(self.peer.held, 9)
        self.turns()
        self.assertEqual(self.peer.held, 0)
        for answer in (LINES, RawTCP(b"\n", Scan.LATEST), RawTCP()):
            self.setUp()
            self.begin(answer)
            self.framing.pause()
            self.transport.receive(b"12\n")
            self.assertIn(self.peer.held, (2, 3))
            self.framing.resume()
            self.turns()
            self.assertEqual(self.peer.held, 0)

    def test_ended(self) -> None:
        """Nothing counts any more once we end it."""
        for end in (Peer.close, Peer.disconnect):
            self.setUp()
            self.transport = FakeTransport(sudden=False)
            self.begin()
            self.transport.receive(b"12345")
            end(self.peer)
            self.assertEqual(self.peer.held, 0)
            self.transport.receive(b"12345")
            self.assertEqual(self.peer.held, 0)

    def test_evicted(self) -> None:
        """A peer whose message takes the memory of all is closed with 1013."""
        self.world.shared.memory.limit = 10
        self.begin()
        self.transport.receive(b"12345678901")
        self.assertEqual(self.world.told, [("connect",), ("disconnect", 1013, "")])
        self.assertEqual((self.peer.held, self.world.shared.memory.total), (0, 0))


class EndTests(RawTCPTestCase):
    """A connection may end while messages wait."""

    def test_the_peer_leaves(self) -> None:
        """What came before the peer left is delivered before its end, in turns."""
        self.begin()
        self.transport.receive(numbered(2 * MOST_AT_ONCE + 1))
        self.transport.end()
        self.turn()
        self.assertEqual(len(self.heard()), 2 * MOST_AT_ONCE)
        self.assertNotIn("disconnect", self.names())
        self.turns()
        self.assertEqual(self.heard(), numbered(2 * MOST_AT_ONCE + 1).split())
        self.assertEqual(self.world.told[-1], ("disconnect", 1006, ""))

    def test_it_leaves_while_paused(self) -> None:
        """It waits for room in the inbox, too."""
        waiting = self.hold()
        self.begin()
        self.transport.receive(numbered(1000))
        self.transport.end()
        self.turns()
        waiting.callback(None)
        self.turns()
        self.assertEqual(len(self.heard()), 1000)
        self.assertEqual((self.names().count("disconnect"), self.names()[-1]), (1, "disconnect"))

    def test_it_leaves_while_nothing_waits(self) -> None:
        """Its end is told at once if only the inbox has anything."""
        self.hold()
        self.begin(RawTCP())
        for data in (b"first", bytes(MOST_BYTES)):
            self.transport.receive(data)
        self.transport.end()
        self.assertEqual(self.peer.close_code, 1006)

    def test_we_close(self) -> None:
        """Once we close it, no more of what was read is delivered, however it goes on."""
        for sudden in (True, False):
            for end in (Peer.close, Peer.disconnect):
                self.setUp()
                self.transport = FakeTransport(sudden=sudden)
                self.begin()
                self.transport.receive(numbered(MOST_AT_ONCE + 1))
                end(self.peer)
                self.turns()
                self.transport.end()
                self.assertEqual((len(self.heard()), self.names()[-1]), (MOST_AT_ONCE, "disconnect"))
                self.assertEqual(self.names().count("disconnect"), 1)
                self.assertEqual(self.due(), [])

    def test_a_handler_closes(self) -> None:
        """The same from within a handler."""
        for end in (Peer.close, Peer.disconnect):
            self.setUp()
            self.world.events.on_binary(lambda connection, data, end=end: end(connection) and None)  # type: ignore[misc]
            self.begin()
            self.transport.receive(numbered(9))
            self.assertEqual(self.names(), ["connect", "binary", "disconnect"])

    def test_we_close_after_the_peer(self) -> None:
        """A socket that has closed already, while messages wait, is closed as soon as we say so."""
        for end, code in ((Peer.close, 1000), (Peer.disconnect, 1006)):
            self.setUp()
            self.begin()
            self.transport.receive(numbered(MOST_AT_ONCE + 1))
            self.transport.end()
            end(self.peer)
            self.assertEqual(self.world.told[-1], ("disconnect", code, ""))
            self.assertEqual((len(self.heard()), self.due()), (MOST_AT_ONCE, []))

    def test_it_leaves_within_a_handler(self) -> None:
        """A socket may close while a message is being handled; those behind it come first all the same."""
        self.world.events.on_binary(lambda connection, data: self.transport.end())
        self.begin()
        self.transport.receive(numbered(9))
        self.turns()
        self.assertEqual(self.heard(), numbered(9).split())
        self.assertEqual(self.names(), ["connect", *["binary"] * 9, "disconnect"])

    def test_it_leaves_with_too_much(self) -> None:
        """A message that is too big is told, too, if its peer has left before its turn."""
        self.allow(4)
        self.begin()
        self.transport.receive(b"\n" * (MOST_AT_ONCE + 1) + b"123456")
        self.transport.end()
        self.turns()
        self.assertEqual(self.names()[-2:], ["error", "disconnect"])
        self.assertEqual(self.world.told[-1], ("disconnect", 1009, "message too big"))
