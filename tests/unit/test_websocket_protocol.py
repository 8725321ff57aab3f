"""Promises of `sgcws.websocket.protocol`: WebSocket frames, messages and ends."""

from __future__ import annotations

import hashlib
import itertools
import zlib
from typing import Any

import txaio
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from sgcws.errors import ConnectionClosed
from sgcws.options import Compression, WebSocketOptions
from sgcws.values import TransportKind
from tests.web import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frame,
    Server,
    ServerTestCase,
    Socket,
    ended_deflate,
    frame,
    raw_deflate,
    upgrade,
)

unhurried = settings(deadline=None, database=None)

CONTINUATION = 0
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15"


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """Return the payload of a Close frame."""
    return b"" if code is None else code.to_bytes(2) + reason


class ProtocolTestCase(ServerTestCase):
    """Tests with an open WebSocket that notes what it gets."""

    def setUp(self) -> None:
        """Open it."""
        self.open()

    def open(self, *lines: str, **options: Any) -> None:
        """Open it at a server with other options."""
        self.serve(websocket=WebSocketOptions(**options))
        self.got: list[str | bytes] = []
        self.events.on_message(lambda connection, text: self.got.append(text))
        self.events.on_binary(lambda connection, data: self.got.append(data))
        self.socket, self.peer = self.server.websocket(*lines)

    def told(self) -> list[Any]:
        """Return what was told since the last time, the opening left out."""
        told, self.server.told[:] = self.server.told[:], []
        return [what for what in told if what != "connect"]

    def assert_fails(self, code: int, *data: bytes) -> None:
        """Fail unless the peer fails by *data*, is told why, and hears the end without losing what was said."""
        self.socket.send(*data)
        words = {1002: b"protocol error", 1007: b"invalid payload", 1009: b"message too big"}[code]
        self.assertEqual(self.socket.frames(), [Frame(CLOSE, close(code, words))])
        self.assertEqual(self.told(), [code])
        self.assertEqual((self.socket.transport.half_closed, self.socket.closed), (True, False))
        self.socket.leave()
        self.assertEqual(self.told(), [(code, words.decode())])
        self.assertEmpty()


class MessageTests(ProtocolTestCase):
    """Messages come whole, and go out whole."""

    def test_text(self) -> None:
        """Text comes as text."""
        self.socket.send(frame(TEXT, "grüße ✓".encode()), frame(TEXT))
        self.assertEqual(self.got, ["grüße ✓", ""])

    def test_binary(self) -> None:
        """Bytes come as bytes."""
        self.socket.send(frame(BINARY, b"\x00\xff"), frame(BINARY))
        self.assertEqual(self.got, [b"\x00\xff", b""])

    def test_lengths(self) -> None:
        """Messages of all kinds of length come and go."""
        for length in (0, 1, 125, 126, 127, 65535, 65536, 100_000):
            data = bytes(length)
            self.socket.send(frame(BINARY, data))
            self.peer.write_data(data)
            self.assertEqual(self.got.pop(), data)
            self.assertEqual(self.socket.frames(), [Frame(BINARY, data)])

    def test_fragments(self) -> None:
        """A message in fragments comes as one, with control frames served in between."""
        self.socket.send(frame(TEXT, b"gr\xc3", fin=False), frame(PING, b"x"), frame(CONTINUATION, b"\xbc", fin=False))
        self.assertEqual((self.got, self.socket.frames()), ([], [Frame(PONG, b"x")]))
        self.socket.send(frame(CONTINUATION, "ße".encode()))
        self.assertEqual(self.got, ["grüße"])

    def test_sent(self) -> None:
        """What is written goes out in one frame, unmasked."""
        self.assertTrue(self.peer.write_data("grüße"))
        self.assertTrue(self.peer.write_data(b"\x00"))
        self.assertEqual(self.socket.frames(), [Frame(TEXT, "grüße".encode()), Frame(BINARY, b"\x00")])

    def test_sent_is_not_limited(self) -> None:
        """The largest message is one that may come in; what goes out is the application's business."""
        for lines in ((), (DEFLATE,)):
            self.open(*lines, max_message_size=10)
            self.assertTrue(self.peer.write_data(bytes(itertools.islice(itertools.cycle(range(251)), 1000))))
            self.assertEqual(self.told(), [])

    def test_pings(self) -> None:
        """A ping is answered with its payload; one of ours goes out; a pong that nobody asked for is let be."""
        self.socket.send(frame(PING), frame(PING, bytes(125)), frame(PONG, b"x"))
        self.assertEqual(self.socket.frames(), [Frame(PONG, b""), Frame(PONG, bytes(125))])
        self.assertTrue(self.peer.ping(b"you?"))
        self.assertEqual(self.socket.frames(), [Frame(PING, b"you?")])
        self.assertEqual(self.told(), [])

    def test_peer(self) -> None:
        """The connection is one over WebSocket from then on."""
        self.assertIs(self.peer.transport, TransportKind.WEBSOCKET)
        self.assertEqual(self.peer.ip, "127.0.0.1")

    def test_replaced(self) -> None:
        """Where text is not validated, U+FFFD takes the place of what is none."""
        self.open(validate_utf8=False)
        self.socket.send(frame(TEXT, b"a\xffb"))
        self.assertEqual(self.got, ["a\ufffdb"])

    def test_any_pieces(self) -> None:
        """It does not matter how messages are cut into fragments, and these into packets."""

        @unhurried
        @given(
            st.lists(st.tuples(st.booleans(), st.lists(st.text(max_size=80), min_size=1, max_size=4)), max_size=5),
            st.integers(1, 200),
        )
        def check(messages: list[tuple[bool, list[str]]], size: int) -> None:
            self.open()
            data = b""
            for binary, parts in messages:
                for index, part in enumerate(parts):
                    opcode = CONTINUATION if index else BINARY if binary else TEXT
                    data += frame(opcode, part.encode(), fin=index == len(parts) - 1)
            self.socket.send(*(data[start : start + size] for start in range(0, len(data), size)))
            wanted = [(binary, "".join(parts)) for binary, parts in messages]
            self.assertEqual(self.got, [text.encode() if binary else text for binary, text in wanted])

        check()


class FailureTests(ProtocolTestCase):
    """Peers that break the protocol (RFC 6455 section 7.1.7)."""

    def test_protocol_errors(self) -> None:
        """Whatever the protocol forbids ends it with 1002."""
        for data in (
            frame(TEXT, b"x", mask=None),
            frame(TEXT, b"x", rsv=1),
            frame(TEXT, b"x", rsv=4),
            frame(3, b"x"),
            frame(7),
            frame(11),
            frame(15),
            frame(PING, b"x", fin=False),
            frame(PING, bytes(126)),
            frame(CONTINUATION, b"x"),
            frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
            b"\x82\xfe\x00\x7d\x00\x00\x00\x00",
            b"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00",
            b"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            frame(CLOSE, b"\x03"),
            frame(CLOSE, close(999)),
            frame(CLOSE, close(1004)),
            frame(CLOSE, close(1005)),
            frame(CLOSE, close(1006)),
            frame(CLOSE, close(1015)),
            frame(CLOSE, close(2999)),
            frame(CLOSE, close(5000)),
            b"GET / HTTP/1.1\r\n",
        ):
            self.open()
            self.assert_fails(1002, data)
            self.assertEqual(self.got, [])

    def test_not_utf8(self) -> None:
        """Text that is not UTF-8 ends it with 1007, as soon as that is seen; a reason as well."""
        for data in (
            (frame(TEXT, b"\xff"),),
            (frame(TEXT, b"\xc3"),),
            (frame(TEXT, b"\xed\xa0\x80"),),
            (frame(TEXT, b"\xf4\x90", fin=False),),
            (frame(TEXT, b"\xc3", fin=False), frame(CONTINUATION, b"x", fin=False)),
            (frame(TEXT, b"abc\xff" + bytes(1000))[:20],),
            (frame(CLOSE, close(1000, b"\xff")),),
        ):
            self.open()
            self.assert_fails(1007, *data)

    def test_too_big(self) -> None:
        """More than the largest message ends it with 1009, before any of it is read, whatever its fragments."""
        for data in (
            (frame(BINARY, bytes(101))[:6],),
            (b"\x82\xff" + (2**63 - 1).to_bytes(8) + bytes(4),),
            (frame(BINARY, bytes(60), fin=False), frame(CONTINUATION, bytes(41))[:6]),
            (frame(BINARY, bytes(50), fin=False), frame(CONTINUATION, bytes(50), fin=False), frame(CONTINUATION, b"x")),
        ):
            self.open(max_message_size=100)
            self.assert_fails(1009, *data)
        self.open(max_message_size=100)
        self.socket.send(frame(BINARY, bytes(50), fin=False), frame(CONTINUATION, bytes(50)))
        self.assertEqual(self.got, [bytes(100)])

    def test_frame_too_big(self) -> None:
        """So does more than the largest frame."""
        self.open(max_frame_size=10)
        self.socket.send(frame(BINARY, bytes(10), fin=False), frame(CONTINUATION, bytes(10)))
        self.assertEqual(self.got, [bytes(20)])
        self.assert_fails(1009, frame(BINARY, bytes(11))[:6])

    def test_deaf(self) -> None:
        """From then on nothing is heard, kept or answered."""
        self.assert_fails_and_sends_on(frame(TEXT, b"later"), frame(PING), frame(CLOSE, close(1000)), frame(7))

    def assert_fails_and_sends_on(self, *more: bytes) -> None:
        """Fail unless *more*, in the same packet or later, has no effect."""
        for together in (True, False):
            self.open()
            self.socket.send(*([b"".join((frame(7), *more))] if together else (frame(7), *more)))
            self.socket.send(bytes(100_000))
            self.assertEqual([seen.opcode for seen in self.socket.frames()], [CLOSE])
            self.assertEqual((self.got, self.told(), len(self.protocol().data)), ([], [1002], 0))
            self.socket.leave()
            self.assertEqual(self.told(), [(1002, "protocol error")])

    def protocol(self) -> Any:
        """Return what speaks for the peer."""
        return self.socket.transport.protocol

    def test_peer_does_not_leave(self) -> None:
        """One that does not end its side in time is dropped."""
        self.open(close_timeout=3)
        self.socket.send(frame(7))
        for _ in range(5):
            self.reactor.advance(0.5)
            self.socket.send(bytes(1000))
        self.assertFalse(self.socket.closed)
        self.reactor.advance(0.5)
        self.assertTrue(self.socket.closed)
        self.assertTrue(self.socket.transport.aborted)
        self.assertEqual(self.told(), [1002, (1002, "protocol error")])

    def test_after_goodbye(self) -> None:
        """One that fails after we have said goodbye is dropped with our goodbye."""
        self.peer.close(4000, "bye")
        self.socket.send(frame(7))
        self.assertEqual(self.socket.frames(), [Frame(CLOSE, close(4000, b"bye"))])
        self.socket.leave()
        self.assertEqual(self.told(), [1002, (4000, "bye")])

    def test_nothing_in_the_log(self) -> None:
        """Of all this nothing is logged: a peer could fill the disk."""
        self.assert_fails(1002, frame(7))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_any_bytes(self) -> None:
        """Whatever bytes come, the server neither breaks nor forgets to end."""

        @unhurried
        @given(st.binary(max_size=300), st.booleans())
        def check(data: bytes, compressed: bool) -> None:
            self.open(*([DEFLATE] if compressed else []))
            self.socket.send(data)
            self.assertTrue(set(self.told()) <= {1002, 1007, 1009})
            self.socket.leave()
            self.assertEqual(len(self.told()), 1)
            self.assertEmpty()

        check()


class CompressionTests(ProtocolTestCase):
    """Compressed messages (RFC 7692)."""

    def setUp(self) -> None:
        """Open a WebSocket with compression."""
        self.open(DEFLATE)

    def test_received(self) -> None:
        """They come inflated, whatever their fragments; others come as they are."""
        data = raw_deflate(b"grow" * 1000)
        self.socket.send(frame(TEXT, data, rsv=4))
        self.open(DEFLATE)
        self.socket.send(frame(TEXT, data[:5], rsv=4, fin=False), frame(CONTINUATION, data[5:]), frame(TEXT, b"x"))
        self.assertEqual(self.got, ["grow" * 1000, "x"])

    def test_sent(self) -> None:
        """They go out deflated, with the window that was agreed on."""
        data = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(60)).hex()
        self.peer.write_data(data)
        self.peer.write_data(data.encode())
        first, second = self.socket.frames()
        self.assertEqual((first.opcode, first.rsv, second.opcode, second.rsv), (TEXT, 4, BINARY, 4))
        inflate = zlib.decompressobj(-12)
        for sent in (first, second):
            self.assertEqual(inflate.decompress(sent.payload + b"\x00\x00\xff\xff"), data.encode())
        self.assertLess(2 * len(second.payload), len(first.payload))

    def test_forgetful(self) -> None:
        """Where windows are not kept, each message is deflated for itself."""
        self.open(DEFLATE, compression=Compression(context_takeover=False, memory_level=9))
        self.peer.write_data(b"grow" * 1000)
        self.peer.write_data(b"grow" * 1000)
        first, second = self.socket.frames()
        self.assertEqual(first, second)
        data = frame(BINARY, raw_deflate(b"x" * 1000), rsv=4)
        self.socket.send(data, data)
        self.assertEqual(self.got, [b"x" * 1000] * 2)

    def test_bomb(self) -> None:
        """What inflates to more than the largest message ends it with 1009, and is not inflated further."""
        data = raw_deflate(bytes(1_000_000))
        for pieces in (
            (frame(BINARY, data, rsv=4),),
            (frame(BINARY, data[:50], rsv=4, fin=False), frame(CONTINUATION, data[50:])),
        ):
            self.open(DEFLATE, max_message_size=10_000)
            self.assert_fails(1009, *pieces)

    def test_exactly_the_largest(self) -> None:
        """The largest message is measured inflated."""
        self.open(DEFLATE, max_message_size=1000)
        self.socket.send(frame(BINARY, raw_deflate(bytes(1000)), rsv=4))
        self.assertEqual(self.got, [bytes(1000)])
        self.assert_fails(1009, frame(BINARY, raw_deflate(bytes(1001)), rsv=4))

    def test_stream_ends(self) -> None:
        """A message may end the deflater's stream; the next begins another (RFC 7692 section 7.2.3.4)."""
        for rest in (b"", b"\x00"):
            self.socket.send(frame(TEXT, ended_deflate(b"one") + rest, rsv=4), frame(TEXT, raw_deflate(b"two"), rsv=4))
        self.assertEqual(self.got, ["one", "two"] * 2)

    def test_behind_the_end(self) -> None:
        """What comes behind the end of the stream, and would inflate to nothing, ends it with 1007 and is not kept."""
        self.assert_fails(1007, frame(BINARY, ended_deflate(b"x") + b"more", rsv=4))
        self.open(DEFLATE)
        self.assert_fails(1007, frame(BINARY, ended_deflate(b"x"), rsv=4, fin=False), frame(CONTINUATION, b"more"))

    def test_corrupt(self) -> None:
        """What cannot be inflated ends it with 1007."""
        self.assert_fails(1007, frame(BINARY, b"\xff\xff\xff\xff", rsv=4))

    def test_compressed_control_frame(self) -> None:
        """Control frames and continuations are never marked as compressed."""
        self.assert_fails(1002, frame(PING, b"x", rsv=4))
        self.open(DEFLATE)
        self.assert_fails(1002, frame(BINARY, b"x", fin=False), frame(CONTINUATION, b"x", rsv=4))

    def test_not_utf8(self) -> None:
        """Text is validated inflated."""
        self.assert_fails(1007, frame(TEXT, raw_deflate(b"a\xff"), rsv=4))


class EndTests(ProtocolTestCase):
    """The closing handshake (RFC 6455 section 7)."""

    def test_peer_closes(self) -> None:
        """A peer that says goodbye is answered with its own code, then TCP ends."""
        for code, reason in ((1000, b""), (1001, "grüße".encode()), (1014, b""), (3000, b""), (4999, b"x" * 123)):
            self.open()
            self.socket.send(frame(CLOSE, close(code, reason)))
            self.assertEqual(self.socket.frames(), [Frame(CLOSE, close(code, reason))])
            self.assertTrue(self.socket.closed)
            self.assertFalse(self.socket.transport.aborted)
            self.assertEqual(self.told(), [(code, reason.decode())])
            self.assertEmpty()

    def test_peer_closes_without_a_code(self) -> None:
        """One that gives no code is answered without one; the application hears 1005."""
        self.socket.send(frame(CLOSE))
        self.assertEqual(self.socket.frames(), [Frame(CLOSE, b"")])
        self.assertTrue(self.socket.closed)
        self.assertEqual(self.told(), [(1005, "")])

    def test_we_close(self) -> None:
        """When we say goodbye, TCP ends with the peer's answer, whose code counts."""
        ended: list[Any] = []
        self.peer.close(4000, "grüße").addCallback(ended.append)
        self.assertEqual(self.socket.frames(), [Frame(CLOSE, close(4000, "grüße".encode()))])
        self.assertEqual((self.socket.closed, ended), (False, []))
        self.socket.send(frame(CLOSE, close(4001)))
        self.assertTrue(self.socket.closed)
        self.assertFalse(self.socket.transport.aborted)
        self.assertEqual((self.told(), ended), ([(4001, "")], [None]))
        self.assertEmpty()

    def test_no_answer(self) -> None:
        """A peer that never answers is dropped in time, with our code."""
        self.open(close_timeout=2)
        self.peer.close(4000, "bye")
        self.socket.send(frame(PING), frame(TEXT, b"x"))
        self.reactor.advance(1.9)
        self.assertFalse(self.socket.closed)
        self.reactor.advance(0.1)
        self.assertTrue(self.socket.closed)
        self.assertTrue(self.socket.transport.aborted)
        self.assertEqual(self.told(), [(4000, "bye")])
        self.assertEmpty()

    def test_goodbye_and_gone(self) -> None:
        """A peer that just goes is told as 1006, or with our code if we have said goodbye."""
        self.socket.leave()
        self.assertEqual(self.told(), [(1006, "")])
        self.open()
        self.peer.close(4000, "bye")
        self.socket.leave()
        self.assertEqual(self.told(), [(4000, "bye")])
        self.assertEmpty()

    def test_both_close(self) -> None:
        """Goodbyes that cross are one end."""
        self.peer.close(4000, "we")
        self.socket.send(frame(CLOSE, close(4001, b"they")))
        self.assertEqual(self.socket.frames(), [Frame(CLOSE, close(4000, b"we"))])
        self.assertTrue(self.socket.closed)
        self.assertEqual(self.told(), [(4001, "they")])

    def test_too_late(self) -> None:
        """A goodbye of ours after the peer's is not said."""
        self.socket.send(frame(CLOSE, close(4001)))
        ended: list[Any] = []
        self.peer.close(4000).addCallback(ended.append)
        self.assertEqual(self.socket.frames(), [Frame(CLOSE, close(4001))])
        self.assertTrue(self.socket.closed)
        self.assertEqual((self.told(), ended), ([(4001, "")], [None]))

    def test_at_once(self) -> None:
        """Disconnecting says nothing."""
        self.peer.disconnect()
        self.assertTrue(self.socket.closed)
        self.assertTrue(self.socket.transport.aborted)
        self.assertEqual((self.socket.received(), self.told()), (b"", [(1006, "")]))

    def test_writing_afterwards(self) -> None:
        """What is written after any end is not taken, and never raises."""

        def ours() -> None:
            self.peer.close()

        def theirs() -> None:
            self.socket.send(frame(CLOSE))

        def fails() -> None:
            self.socket.send(frame(7))

        def gone() -> None:
            self.socket.leave()

        for end in (ours, theirs, fails, gone):
            self.open()
            end()
            self.socket.received()
            self.assertEqual((self.peer.write_data("x"), self.peer.write_data(b"x")), (False, False))
            self.failureResultOf(self.peer.ping(), ConnectionClosed)
            self.assertEqual(self.socket.received(), b"")

    def test_frames_after_goodbye(self) -> None:
        """Messages that were on their way when we said goodbye still come; what follows the peer's own does not."""
        self.peer.close()
        self.socket.send(frame(TEXT, b"on its way") + frame(CLOSE, close(1000)) + frame(TEXT, b"too late"))
        self.assertEqual(self.got, ["on its way"])
        self.assertTrue(self.socket.closed)
        self.assertEqual(self.told(), [(1000, "")])

    def test_slow_end(self) -> None:
        """If what was sent last cannot be delivered, the deadline ends that as well."""
        self.patch(self.socket.transport, "loseConnection", lambda: None)
        self.socket.send(frame(CLOSE, close(1000)))
        self.assertFalse(self.socket.closed)
        self.reactor.advance(5)
        self.assertTrue(self.socket.closed)
        self.assertEqual(self.told(), [(1000, "")])

    def test_no_timer_of_autobahn(self) -> None:
        """Autobahn sets no timer of its own, in none of the states."""
        self.patch(txaio.config, "loop", Untouchable())
        for end in (lambda: self.peer.close(), lambda: self.socket.send(frame(7)), lambda: self.socket.leave()):
            self.open(DEFLATE)
            self.socket.send(frame(PING), frame(TEXT, b"x"))
            self.peer.ping().addErrback(lambda _: None)
            end()
            self.assertLessEqual(len(self.reactor.getDelayedCalls()), 1)
            self.socket.leave()
            self.assertEmpty()


class Untouchable:
    """A reactor that fails whoever wants something of it."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} of the global reactor")

    def __conform__(self, interface: Any) -> Any:
        raise AssertionError(f"{interface} of the global reactor")


class FlowTests(ProtocolTestCase):
    """What happens while the application is busy."""

    def busy(self, *lines: str) -> None:
        """Open a WebSocket whose messages are handled when the test says so."""
        self.serve()
        self.got = []
        self.waiting: list[Deferred[None]] = []

        @self.events.on_binary
        def wait(connection: Any, data: bytes) -> Deferred[None]:
            self.got.append(data)
            self.waiting.append(Deferred())
            return self.waiting[-1]

        self.socket, self.peer = self.server.websocket(*lines)

    def go_on(self) -> None:
        """Let one message be done with."""
        self.waiting.pop(0).callback(None)

    def test_full(self) -> None:
        """Many small messages in one packet stop reading, and lie where they are until there is room; in order."""
        self.busy()
        data = [b"%d" % number for number in range(1000)]
        self.socket.send(b"".join(frame(BINARY, each) for each in data))
        self.assertTrue(self.socket.paused)
        self.assertLess(self.peer.messages_received, 100)
        while self.waiting:
            self.go_on()
        self.assertEqual(self.got, data)
        self.assertFalse(self.socket.paused)

    def test_goodbye_of_a_full_one(self) -> None:
        """A peer of which much is waiting still gets our goodbye, and its answer is heard."""
        self.busy()
        self.socket.send(b"".join(frame(BINARY, b"x") for _ in range(200)))
        self.peer.close(4000)
        self.reactor.advance(0)
        self.assertFalse(self.socket.paused)
        while self.waiting:
            self.go_on()
        self.socket.send(frame(CLOSE, close(4000)))
        self.assertTrue(self.socket.closed)

    def test_failure_of_a_full_one(self) -> None:
        """One that fails behind much that is waiting is read on, to hear when it leaves."""
        self.busy()
        self.socket.send(b"".join(frame(BINARY, b"x") for _ in range(100)) + frame(7))
        self.assertTrue(self.socket.paused)
        while self.waiting:
            self.go_on()
        self.assertEqual([seen.opcode for seen in self.socket.frames()], [CLOSE])
        self.assertFalse(self.socket.paused)
        self.assertEqual((len(self.got), self.server.told), (100, ["connect", 1002]))

    def test_goodbye_behind_much(self) -> None:
        """A goodbye behind much that is waiting is heard in its turn."""
        self.busy()
        self.socket.send(b"".join(frame(BINARY, b"x") for _ in range(100)) + frame(CLOSE, close(1000)))
        while self.waiting:
            self.go_on()
        self.assertTrue(self.socket.closed)
        self.assertEqual((len(self.got), self.server.told), (100, ["connect", (1000, "")]))

    def test_end_of_a_full_one(self) -> None:
        """When it ends meanwhile, the application still gets what was waiting, then the end."""
        self.busy()
        self.socket.send(frame(BINARY, b"1") + frame(BINARY, b"2") + frame(CLOSE, close(1000)))
        self.assertTrue(self.socket.closed)
        self.assertEqual(self.server.told, ["connect"])
        self.go_on()
        self.go_on()
        self.assertEqual((self.got, self.server.told), ([b"1", b"2"], ["connect", (1000, "")]))
        self.assertEmpty()

    def test_pings_of_a_busy_one(self) -> None:
        """Pings are answered while a handler runs."""
        self.busy()
        self.socket.send(frame(BINARY, b"1"), frame(PING, b"x"))
        self.assertEqual(self.socket.frames(), [Frame(PONG, b"x")])

    def test_failure_of_a_busy_one(self) -> None:
        """A peer that fails while a handler runs is told at once; the application hears it after what came before."""
        self.busy()
        self.socket.send(frame(BINARY, b"1") + frame(7))
        self.assertEqual([seen.opcode for seen in self.socket.frames()], [CLOSE])
        self.assertEqual(self.server.told, ["connect"])
        self.go_on()
        self.assertEqual(self.server.told, ["connect", 1002])

    def test_handler_closes(self) -> None:
        """A handler may close the connection whose message it handles; what was on its way still comes."""
        self.events.on_message(lambda connection, text: connection.close(4000) and None)
        self.socket.send(frame(TEXT, b"1") + frame(TEXT, b"2"))
        self.assertEqual(self.got, ["1", "2"])
        self.assertEqual([seen.opcode for seen in self.socket.frames()], [CLOSE])

    def test_handler_disconnects(self) -> None:
        """A handler may drop the connection; then nothing after it is delivered."""
        self.events.on_message(lambda connection, text: connection.disconnect())
        self.socket.send(frame(TEXT, b"1") + frame(TEXT, b"2"))
        self.assertEqual(self.got, ["1"])
        self.assertTrue(self.socket.closed)


class OpenTests(ServerTestCase):
    """What handlers do when a connection opens."""

    def test_writes(self) -> None:
        """What is written as soon as it opens comes after the 101."""
        self.events.on_connect(lambda connection: connection.write_data("welcome"))
        socket = self.server.connect()
        socket.send(upgrade())
        head, _, rest = socket.received().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "))
        self.assertEqual(rest, b"\x81\x07welcome")

    def test_closes(self) -> None:
        """So does a goodbye."""
        self.events.on_connect(lambda connection: connection.close(4000))
        socket = self.opened()
        self.assertEqual(socket.frames(), [Frame(CLOSE, close(4000))])
        socket.send(frame(CLOSE, close(4000)))
        self.assertTrue(socket.closed)
        self.assertEqual(self.server.told, ["connect", (4000, "")])

    def test_disconnects(self) -> None:
        """One that is dropped is dropped."""
        self.events.on_connect(lambda connection: connection.disconnect())
        self.assertTrue(self.opened().closed)
        self.assertEqual(self.server.told, ["connect", (1006, "")])

    def opened(self) -> Socket:
        """Return a WebSocket behind its 101."""
        socket = self.server.connect()
        socket.send(upgrade())
        data = socket.received().partition(b"\r\n\r\n")[2]
        socket.transport.write(data)
        return socket

    def test_failing_handlers(self) -> None:
        """A handler that fails, on opening or on a message, does the peer no harm."""

        def broken(*args: Any) -> None:
            raise RuntimeError("broken")

        self.events.on_connect(broken)
        self.events.on_message(broken)
        self.events.on_message(lambda connection, text: connection.write_data(text))
        socket, _ = self.server.websocket()
        socket.send(frame(TEXT, b"x"))
        self.assertEqual(socket.frames(), [Frame(TEXT, b"x")])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
        self.assertEqual(self.server.told, ["connect", RuntimeError, RuntimeError])

    def test_two_servers(self) -> None:
        """Two servers in one process have nothing in common."""
        other = Server()
        self.server.websocket()
        self.assertEqual((len(self.server.shared.registry), len(other.shared.registry)), (1, 0))
