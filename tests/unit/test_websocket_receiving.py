"""`sgcws.websocket.protocol`: what a peer may send, how the application hears it, and what it costs the others."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost

from sgcws.options import ListenOptions, WebSocketOptions
from sgcws.values import Fragment, FragmentMode, Opcode
from tests.web import BINARY, CLOSE, PING, PONG, TEXT, Frame, Server, ServerTestCase, Socket, frame, raw_deflate

unhurried = settings(deadline=None, database=None)

CONTINUATION = 0
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
COMPRESSED = 4


class Listener:
    """
    A server that writes down what it hears from one WebSocket.

    Attributes:
        heard: Messages, fragments and errors, in order.
        socket: The client's end.
        peer: The server's end.
    """

    def __init__(self, *lines: str, listen: ListenOptions | None = None, **options: Any) -> None:
        self.server = Server(websocket=WebSocketOptions(**options), listen=listen or ListenOptions())
        self.reactor = self.server.reactor
        self.heard: list[Any] = []
        events = self.server.events
        events.on_message(lambda connection, text: self.heard.append(text))
        events.on_binary(lambda connection, data: self.heard.append(data))
        events.on_fragmented(lambda connection, fragment: self.heard.append(fragment))
        events.on_error(lambda connection, error: self.heard.append(error.code))
        events.on_disconnect(lambda connection, code, reason: self.heard.append(("end", code)))
        self.socket: Socket
        self.socket, self.peer = self.server.websocket(*lines)

    def send(self, *data: bytes) -> None:
        """Send some bytes, and let the server have as many turns as it takes."""
        self.socket.send(*data)
        self.turn()

    def turn(self) -> None:
        """Let the server have as many turns as it takes."""
        while any(call.getTime() <= self.reactor.seconds() for call in self.reactor.getDelayedCalls()):
            self.reactor.advance(0)


class FragmentTests(ServerTestCase):
    """What the application hears of fragments is its choice."""

    MESSAGE = (frame(TEXT, b"gr\xc3", fin=False), frame(PING), frame(CONTINUATION, b"\xbc", fin=False), frame(0, b"n"))

    FRAGMENTS = (
        Fragment(b"gr\xc3", Opcode.TEXT, False, False),
        Fragment(b"\xbc", Opcode.TEXT, True, False),
        Fragment(b"n", Opcode.TEXT, True, True),
    )

    def heard(self, mode: FragmentMode, *data: bytes) -> list[Any]:
        """Return what is heard of some bytes."""
        listener = Listener(DEFLATE, fragmented_messages=mode)
        listener.send(*data)
        self.assertEqual(listener.peer.messages_received, 1)
        return listener.heard

    def test_buffer(self) -> None:
        """Only whole messages, if nothing else is asked for."""
        self.assertEqual(self.heard(FragmentMode.BUFFER, *self.MESSAGE), ["grün"])

    def test_fragments(self) -> None:
        """Each fragment as it is complete, and no message."""
        self.assertEqual(self.heard(FragmentMode.FRAGMENTS, *self.MESSAGE), [*self.FRAGMENTS])

    def test_all(self) -> None:
        """Each fragment, then the message."""
        self.assertEqual(self.heard(FragmentMode.ALL, *self.MESSAGE), [*self.FRAGMENTS, "grün"])

    def test_unfragmented(self) -> None:
        """A message in one frame is one fragment."""
        whole = Fragment(b"x", Opcode.BINARY, False, True)
        self.assertEqual(self.heard(FragmentMode.ALL, frame(BINARY, b"x")), [whole, b"x"])

    def test_compressed(self) -> None:
        """A compressed message is inflated once, and each fragment has what its own bytes gave."""
        data = raw_deflate(b"many words, many words, many words")
        frames = (frame(TEXT, data[:9], fin=False, rsv=COMPRESSED), frame(CONTINUATION, data[9:]))
        *fragments, message = self.heard(FragmentMode.ALL, *frames)
        self.assertEqual(message, "many words, many words, many words")
        self.assertEqual(b"".join(fragment.data for fragment in fragments).decode(), message)
        self.assertEqual([fragment.is_final for fragment in fragments], [False, True])

    def test_limit(self) -> None:
        """The largest message is a limit for fragments that nobody puts together, too."""
        listener = Listener(fragmented_messages=FragmentMode.FRAGMENTS, max_message_size=5)
        listener.send(frame(BINARY, b"123", fin=False), frame(CONTINUATION, b"456"))
        self.assertEqual(listener.heard, [Fragment(b"123", Opcode.BINARY, False, False), 1009])


class FloodTests(ServerTestCase):
    """Frames that are small cost more than their bytes; there may not be too many."""

    def test_pings(self) -> None:
        """As many pings as a second may have, twice at once, are answered; one more is one too many."""
        listener = Listener(max_control_frames=10)
        listener.send(frame(PING, b"x") * 20)
        self.assertEqual(listener.socket.frames(), [Frame(PONG, b"x")] * 20)
        listener.send(frame(PING, b"x"))
        self.assertEqual(listener.socket.frames(), [Frame(CLOSE, b"\x03\xf0too many frames")])
        self.assertEqual(listener.heard, [1008])

    def test_pace(self) -> None:
        """With time they may be sent again."""
        listener = Listener(max_control_frames=10)
        for _ in range(5):
            listener.send(frame(PONG) * 10)
            listener.reactor.advance(1)
        self.assertEqual(listener.heard, [])

    def test_goodbye(self) -> None:
        """A goodbye is never one too many."""
        listener = Listener(max_control_frames=1)
        listener.send(frame(PING) * 2 + frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(listener.heard, [("end", 1000)])

    def test_tiny_fragments(self) -> None:
        """So it is with fragments that hold next to nothing, or nothing."""
        for payload in (b"", b"x" * 15):
            listener = Listener(max_tiny_fragments=10)
            listener.send(frame(BINARY, payload, fin=False) + frame(CONTINUATION, payload, fin=False) * 19)
            self.assertEqual(listener.heard, [])
            listener.send(frame(CONTINUATION, payload, fin=False))
            self.assertEqual(listener.heard, [1008])

    def test_no_flood(self) -> None:
        """Short messages, and fragments of some size, are no flood."""
        listener = Listener(max_tiny_fragments=1)
        listener.send(frame(TEXT, b"x") * 500)
        listener.send(frame(BINARY, b"x" * 16, fin=False) + frame(CONTINUATION, b"x" * 16, fin=False) * 500)
        self.assertEqual(listener.heard, ["x"] * 500)


class TurnTests(ServerTestCase):
    """One peer has no more than its share of a turn."""

    def test_share(self) -> None:
        """What comes in one packet is taken in over several turns, and nothing is read meanwhile."""
        listener = Listener()
        listener.socket.send(frame(TEXT, b"x") * 1000)
        self.assertEqual((len(listener.heard), listener.socket.paused), (128, True))
        listener.turn()
        self.assertEqual((len(listener.heard), listener.socket.paused), (1000, False))

    def test_share_of_what_is_inflated(self) -> None:
        """A message costs what it is inflated to, not what came."""
        listener = Listener(DEFLATE)
        listener.socket.send(frame(BINARY, raw_deflate(bytes(1024**2 - 1)), rsv=COMPRESSED) * 20)
        self.assertLess(len(listener.heard), 4)
        listener.turn()
        self.assertEqual(len(listener.heard), 20)

    def test_more_meanwhile(self) -> None:
        """What is read all the same, as with TLS, waits for its turn, in order."""
        listener = Listener()
        listener.socket.send(frame(TEXT, b"1") * 200, frame(TEXT, b"2"))
        self.assertEqual(len(listener.heard), 128)
        listener.turn()
        self.assertEqual(listener.heard, ["1"] * 200 + ["2"])

    def test_last_words(self) -> None:
        """What came before a socket was lost is heard before its end."""
        listener = Listener()
        listener.socket.send(frame(TEXT, b"x") * 300)
        listener.socket.transport.lost(ConnectionLost())
        listener.turn()
        self.assertEqual(listener.heard, ["x"] * 300 + [("end", 1006)])
        self.assertEqual(listener.server.shared.memory.total, 0)

    def test_last_words_to_a_busy_one(self) -> None:
        """So it is when the inbox was full: it takes what is there, for there will be no more."""
        listener = Listener()
        waiting: list[Deferred[None]] = []

        @listener.server.events.on_message
        def busy(connection: object, text: str) -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1]

        listener.socket.send(frame(TEXT, b"x") * 100)
        self.assertTrue(listener.socket.paused)
        listener.socket.transport.lost(ConnectionLost())
        listener.turn()
        while waiting:
            waiting.pop().callback(None)
        self.assertEqual(listener.heard, ["x"] * 100 + [("end", 1006)])

    def test_pausing_within_a_handler(self) -> None:
        """A handler may stop reading and go on, or close, and nothing is heard twice."""
        listener = Listener()

        @listener.server.events.on_message
        def fickle(connection: Any, text: str) -> None:
            connection.pause_reading()
            connection.resume_reading()
            connection.pause_reading()
            connection.close()

        listener.send(frame(TEXT, b"1") + frame(TEXT, b"2") + frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(listener.heard, ["1", "2", ("end", 1000)])

    def test_going_on_within_a_handler(self) -> None:
        """A handler that stops reading and goes on leaves a peer that is read from."""
        listener = Listener()

        @listener.server.events.on_message
        def fickle(connection: Any, text: str) -> None:
            connection.pause_reading()
            connection.resume_reading()

        listener.send(frame(TEXT, b"1") + frame(TEXT, b"2"))
        self.assertEqual((listener.heard, listener.socket.paused), (["1", "2"], False))

    def test_paused_by_the_application(self) -> None:
        """Nothing is heard of a peer that the application does not read from, until it does."""
        listener = Listener()
        listener.peer.pause_reading()
        self.assertTrue(listener.socket.paused)
        listener.send(frame(TEXT, b"x"))
        self.assertEqual(listener.heard, [])
        listener.peer.resume_reading()
        self.assertEqual((listener.heard, listener.socket.paused), (["x"], False))


class MemoryTests(ServerTestCase):
    """What is kept of a message that is not complete counts."""

    def test_counted(self) -> None:
        """It counts from piece to piece, and no longer when it is complete."""
        listener = Listener()
        data = frame(BINARY, b"x" * 1000)
        listener.send(data[:504])
        self.assertEqual((listener.peer.held, listener.server.shared.memory.total), (500 - 4, 500 - 4))
        listener.send(data[504:])
        self.assertEqual((listener.peer.held, listener.server.shared.memory.total), (0, 0))

    def test_left_behind(self) -> None:
        """What a peer that has gone left for a slow handler is dropped before anybody else has to go."""
        listener = Listener(listen=ListenOptions(memory_limit=10_000))
        listener.server.events.on_binary(lambda connection, data: Deferred())
        other, other_peer = listener.server.websocket()
        listener.send(frame(BINARY, b"x" * 3000) * 4)
        listener.socket.leave()
        other.send(frame(BINARY, b"x" * 3000)[:-1])
        self.assertTrue(other_peer.is_open)
        self.assertLess(listener.server.shared.memory.total, 10_000)

    def test_evicted(self) -> None:
        """When all peers together keep too much, the one that keeps most has to go, and nothing more of it is kept."""
        listener = Listener(listen=ListenOptions(memory_limit=10_000))
        other, _ = listener.server.websocket()
        other.send(frame(BINARY, b"x" * 3000)[:-1])
        listener.send(frame(BINARY, b"x" * 9000)[:-1])
        self.assertEqual(listener.socket.frames(), [Frame(CLOSE, b"\x03\xf5")])
        self.assertLess(listener.server.shared.memory.total, 4000)
        listener.send(b"x" * 10_000)
        self.assertLess(listener.server.shared.memory.total, 4000)
        listener.socket.leave()
        self.assertEqual(listener.heard, [("end", 1013)])


FRAMES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from((TEXT, BINARY)), st.lists(st.binary(max_size=30), min_size=1, max_size=4)),
        st.tuples(st.sampled_from((PING, PONG)), st.lists(st.binary(max_size=5), min_size=1, max_size=1)),
    ),
    max_size=8,
)
"""Messages in fragments, and control frames: opcode and payloads."""


def written(conversation: list[tuple[int, list[bytes]]]) -> bytes:
    """Write frames, a ping between any two fragments."""
    data = b""
    for opcode, (first, *rest) in conversation:
        data += frame(opcode, first, fin=not rest)
        for place, payload in enumerate(rest, 1):
            data += frame(PING) + frame(CONTINUATION, payload, fin=place == len(rest))
    return data


class SplitTests(ServerTestCase):
    """Where the network cuts means nothing."""

    @unhurried
    @given(FRAMES, st.sampled_from(FragmentMode), st.lists(st.integers(0, 400), max_size=10))
    def test_any_split(
        self, conversation: list[tuple[int, list[bytes]]], mode: FragmentMode, cuts: list[int]
    ) -> None:
        """Any frames, split at any points, are heard and answered alike, valid or not."""
        data = written(conversation)
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        whole, split = Listener(fragmented_messages=mode), Listener(fragmented_messages=mode)
        whole.send(data)
        split.send(*(data[start:end] for start, end in pairwise(places)))
        self.assertEqual(split.heard, whole.heard)
        self.assertEqual(split.socket.received(), whole.socket.received())
