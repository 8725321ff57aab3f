"""Promises of `sgcws.websocket.upgrades`: from a request to a WebSocket, or to an answer why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import PeerProtocolError
from sgcws.options import Compression, HTTPOptions, SecurityOptions, WebSocketOptions
from sgcws.values import Reject
from sgcws.version import VERSION
from sgcws.websocket.upgrades import OURS
from tests.web import ACCEPT, KEY, TEXT, Answer, ServerTestCase, frame, read_answers, read_frames, request, upgrade

unhurried = settings(deadline=None, database=None)

SECRET = "the text of an exception"


class AnswerTests(ServerTestCase):
    """The 101."""

    def test_plain(self) -> None:
        """A valid request gets the answer of the RFC, and nothing that it did not ask for."""
        answer = self.ask(upgrade())
        self.assertEqual((answer.status, answer.header("Sec-WebSocket-Accept")), (101, ACCEPT))
        self.assertEqual((answer.header("Upgrade") or b"").lower(), b"websocket")
        self.assertEqual(answer.header("Connection"), b"Upgrade")
        self.assertEqual(answer.header("Server"), f"sgcws/{VERSION}".encode())
        self.assertEqual(
            set(answer.headers), {b"upgrade", b"connection", b"sec-websocket-accept", b"server"}
        )

    def test_server_header(self) -> None:
        """Without words for it there is no Server header, and Autobahn is not named."""
        self.serve(http=HTTPOptions(server_header=None))
        self.assertIsNone(self.ask(upgrade()).header("Server"))

    def test_connection(self) -> None:
        """The connection knows how it was asked for."""
        socket = self.server.connect()
        socket.open("X-Name: grüße", path="/gr%C3%BC%C3%9Fe?a=1&a=2")
        (peer,) = self.server.shared.registry.messaging()
        self.assertEqual((peer.url, peer.path), ("/gr%C3%BC%C3%9Fe?a=1&a=2", "/grüße"))
        self.assertEqual((peer.query.getall("a"), peer.headers["x-name"]), (["1", "2"], "grüße"))
        self.assertEqual((peer.protocol, len(peer.response_headers)), (None, 0))

    def test_subprotocol(self) -> None:
        """The first sub-protocol that the client offers and the server speaks is chosen."""
        self.serve(websocket=WebSocketOptions(subprotocols=("a", "b")))
        for offered, chosen in (("b, a", "b"), ("x, a", "a"), ("x", None), ("A", None), ("b, b", "b")):
            socket = self.server.connect()
            answer = socket.open(f"Sec-WebSocket-Protocol: {offered}")
            self.assertEqual(answer.header("Sec-WebSocket-Protocol"), chosen and chosen.encode())
            self.assertEqual(self.server.shared.registry.messaging()[-1].protocol, chosen)
        answer = self.ask(upgrade("Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: b"))
        self.assertEqual(answer.header("Sec-WebSocket-Protocol"), b"b")

    def test_body(self) -> None:
        """A request with a body does not upgrade: two who read it differently would see other frames."""
        self.assertEqual(self.ask(upgrade("Content-Length: 0")).status, 101)
        self.assertEqual(self.ask(upgrade("Content-Length: 5") + b"12345").status, 400)
        self.assertEqual(self.ask(upgrade("Transfer-Encoding: chunked") + b"0\r\n\r\n").status, 400)

    def test_frames_behind(self) -> None:
        """Bytes right behind the request, in the same packet or while the application thinks, are frames."""
        got: list[str] = []
        self.events.on_message(lambda connection, text: got.append(text))
        socket = self.server.connect()
        socket.send(upgrade() + frame(TEXT, b"1") + frame(TEXT, b"2")[:3], frame(TEXT, b"2")[3:])
        self.assertEqual(got, ["1", "2"])

    def test_after_requests(self) -> None:
        """A connection that has asked for pages can upgrade, once."""
        socket = self.server.connect()
        for _ in range(2):
            self.assertEqual(socket.ask(request("/x")).status, 404)
        socket.open()
        socket.send(upgrade())
        self.assertEqual([seen.opcode for seen in socket.frames()], [8])


class RefusalTests(ServerTestCase):
    """Requests that may not upgrade."""

    def refused(self, data: bytes) -> tuple[Answer, list[PeerProtocolError]]:
        """Return the answer, and what the application heard."""
        heard: list[PeerProtocolError] = []
        listener = self.events.on_error(lambda connection, error: heard.append(error))
        socket = self.server.connect()
        answer = socket.ask(data)
        self.events.on_error.remove(listener)
        self.assertEqual(len(self.server.shared.registry), 0)
        socket.leave()
        self.assertEmpty()
        return answer, heard

    def test_invalid(self) -> None:
        """Each gets its status; the application hears of it, and the client gets no words but the standard ones."""
        for data, status, reason in (
            (upgrade("Sec-WebSocket-Key: x"), 400, "Bad Request"),
            (upgrade(without=["Sec-WebSocket-Key"]), 400, "Bad Request"),
            (upgrade("Host: a b"), 400, "Bad Request"),
            (upgrade(without=["Host"]), 400, "Bad Request"),
            (upgrade("Host: a", "Host: a"), 400, "Bad Request"),
            (upgrade("Connection: keep-alive"), 400, "Bad Request"),
            (upgrade("Sec-WebSocket-Extensions: ;;"), 400, "Bad Request"),
            (upgrade("Sec-WebSocket-Protocol: a b"), 400, "Bad Request"),
            (upgrade("Origin: http://evil.example"), 403, "Forbidden"),
            (upgrade("Sec-WebSocket-Version: 8"), 426, "Upgrade Required"),
        ):
            answer, heard = self.refused(data)
            self.assertEqual((answer.status, answer.reason), (status, reason), data)
            self.assertEqual(answer.body.count(reason.encode()), 2, data)
            self.assertEqual([error.code for error in heard], [status], data)

    def test_version(self) -> None:
        """A client of another version is told which one is spoken."""
        answer, _ = self.refused(upgrade("Sec-WebSocket-Version: 8"))
        self.assertEqual(answer.header("Sec-WebSocket-Version"), b"13")
        self.assertEqual(answer.header("Upgrade"), b"websocket")
        self.assertEqual(answer.header("Connection"), b"Upgrade, close")

    def test_rules_off(self) -> None:
        """Where neither version nor key matter, both may be anything, and the key is answered all the same."""
        self.serve(websocket=WebSocketOptions(enforce_version=False, validate_key=False))
        socket = self.server.connect()
        answer = socket.open("Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: odd")
        # Base64 of SHA-1 of "odd" and the GUID of RFC 6455 section 4.2.2.
        self.assertEqual(answer.header("Sec-WebSocket-Accept"), b"5gxrNycDhxCRfBehv4sNL/oPPRs=")
        self.assertEqual(self.server.connect().open(f"Sec-WebSocket-Key: {KEY}").header("Sec-WebSocket-Accept"), ACCEPT)

    def test_origins(self) -> None:
        """Pages of this server may connect, others if they are listed, programs unless that is forbidden."""

        def status(*lines: str) -> int:
            return self.ask(upgrade("Host: h:1", *lines)).status

        self.assertEqual(status("Origin: http://h:1"), 101)
        self.assertEqual(status("Origin: http://h:2"), 403)
        self.assertEqual(status("Origin: null"), 403)
        self.assertEqual(status("Origin: http://h:1, http://h:1"), 403)
        self.assertEqual(status(), 101)
        self.serve(security=SecurityOptions(allowed_origins=("https://*.example.com",), allow_missing_origin=False))
        self.assertEqual(status("Origin: https://a.example.com"), 101)
        self.assertEqual(status("Origin: https://a.example.com.evil.com"), 403)
        self.assertEqual(status(), 403)
        self.serve(security=SecurityOptions(allowed_origins=("*",)))
        self.assertEqual(status("Origin: http://any.where"), 101)
        self.assertEqual(status("Origin: http://a", "Origin: http://b"), 400)

    def test_ends(self) -> None:
        """After a refusal the connection ends: what follows may be frames, and is not read as a request."""
        for head, status in ((upgrade("Sec-WebSocket-Key: x"), 400), (upgrade("Sec-WebSocket-Version: 8"), 426)):
            socket = self.server.connect()
            socket.send(head + request("/x"))
            (answer,) = read_answers(socket.received())
            self.assertEqual(answer.status, status)
            self.assertIn(b"close", answer.header("Connection"))
            self.assertTrue(socket.closed)

    def test_any_headers(self) -> None:
        """Whatever the headers hold, the answer is a WebSocket or a client's error."""
        names = ("Host", "Upgrade", "Connection", "Origin", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
        names += ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "X")
        values = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=30)

        @unhurried
        @given(st.lists(st.tuples(st.sampled_from(names), values), max_size=3))
        def check(lines: list[tuple[str, str]]) -> None:
            self.serve(websocket=WebSocketOptions(enforce_version=False, validate_key=False, subprotocols=("a",)))
            socket = self.server.connect()
            socket.send(upgrade(*(f"{name}: {value}" for name, value in lines)))
            (answer,) = read_answers(socket.received())
            self.assertTrue(answer.status == 101 or 400 <= answer.status < 500)
            socket.leave()
            self.assertEmpty()

        check()


class HandshakeTests(ServerTestCase):
    """``on_handshake``."""

    def add(self, name: str, value: Any) -> Callable[[Any, Any, Any], None]:
        """Return a handler that adds a header."""
        return lambda connection, request, headers: headers.add(name, value)

    def test_asked(self) -> None:
        """It is asked about valid requests alone, with the connection and the request."""
        asked: list[tuple[str, str]] = []
        self.events.on_handshake(
            lambda connection, request, headers: asked.append((connection.ip, request.path)) and None
        )
        self.ask(upgrade("Sec-WebSocket-Key: x"))
        self.ask(request("/"))
        self.assertEqual(asked, [])
        self.assertEqual(self.ask(upgrade(path="/x")).status, 101)
        self.assertEqual(asked, [("127.0.0.1", "/x")])

    def test_headers(self) -> None:
        """What it adds is in the answer, beyond ASCII as well, several by a name as well, and stays with the peer."""

        def add(connection: Any, request: Any, headers: Any) -> None:
            headers.add("X-Name", "grüße ✓")
            headers.add("Set-Cookie", "a=1")
            headers.add("set-cookie", "b=2")
            self.added = headers

        self.events.on_handshake(add)
        answer = self.ask(upgrade())
        self.assertEqual(answer.header("X-Name"), "grüße ✓".encode())
        self.assertEqual(answer.headers[b"set-cookie"], [b"a=1", b"b=2"])
        (peer,) = self.server.shared.registry.messaging()
        self.added["X-Name"] = "later"
        self.assertEqual(peer.response_headers["x-name"], "grüße ✓")

    def test_bad_headers(self) -> None:
        """A header that would be another one, or is not its to set, makes it a 500, which the application hears of."""
        for name, value in (
            ("X-Name", "a\r\nX-Other: b"),
            ("X-Name", "a\n\nb"),
            ("X-Name", "a\x00"),
            ("X-Name", "\ud800"),
            ("X-Name", 5),
            ("X Name", "a"),
            ("X-Name:", "a"),
            *((name.title(), "a") for name in OURS),
        ):
            self.serve()
            for waits in (False, True):
                handler = self.add(name, value)
                if waits:
                    handler = self.later(handler)
                self.events.on_handshake(handler)
                answer = self.ask(upgrade())
                self.events.on_handshake.remove(handler)
                self.assertEqual((answer.status, answer.header("X-Name"), answer.header("X-Other")), (500, None, None))
                self.assertEqual(len(self.flushLoggedErrors(ValueError, TypeError)), 1)
                self.assertEqual(len(self.server.told), 1)
                self.server.told.clear()

    def later(self, handler: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], Any]:
        """Return the same handler, as one that has to wait."""

        async def wait(connection: Any, request: Any, headers: Any) -> None:
            waiting: Deferred[None] = Deferred()
            self.reactor.callLater(0, waiting.callback, None)
            await waiting
            handler(connection, request, headers)

        return wait

    def test_refuses(self) -> None:
        """It may refuse, with a status and a reason; then there is no connection and no error."""
        self.events.on_handshake(lambda connection, request, headers: Reject(401, "who are you?"))
        answer = self.ask(upgrade())
        self.assertEqual((answer.status, answer.reason), (401, "who are you?"))
        self.assertEqual(self.server.told, [])

    def test_fails(self) -> None:
        """If it fails in whatever way, the answer is 500 without its text."""

        def plain(connection: Any, request: Any, headers: Any) -> None:
            raise RuntimeError(SECRET)

        def defers(connection: Any, request: Any, headers: Any) -> Deferred[None]:
            return fail(RuntimeError(SECRET))

        for handler in (plain, self.later(plain), defers):
            self.events.on_handshake(handler)
            answer = self.ask(upgrade())
            self.events.on_handshake.remove(handler)
            self.assertEqual(answer.status, 500)
            self.assertNotIn(SECRET.encode(), answer.body + answer.reason.encode())
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.server.told, [RuntimeError] * 3)

    def test_ways_to_answer(self) -> None:
        """It may be threaded, or return a Deferred."""
        self.events.on_handshake(lambda connection, request, headers: succeed(None))
        self.assertEqual(self.ask(upgrade()).status, 101)
        self.serve()
        self.events.on_handshake(threaded=True)(lambda connection, request, headers: Reject(401))
        socket = self.server.connect()
        socket.send(upgrade())
        self.assertEqual(socket.received(), b"")
        self.reactor.pool.run()
        self.assertEqual(read_answers(socket.received())[0].status, 401)


class WaitingTests(ServerTestCase):
    """What happens while an asynchronous ``on_handshake`` waits."""

    def setUp(self) -> None:
        """Start a server that thinks about each handshake."""
        super().setUp()
        self.waiting: list[Deferred[Any]] = []
        self.cancelled: list[Any] = []

        @self.events.on_handshake
        def wait(connection: Any, request: Any, headers: Any) -> Deferred[Any]:
            self.waiting.append(Deferred(self.cancelled.append))
            return self.waiting[-1]

    def test_frames(self) -> None:
        """Frames that come meanwhile are delivered afterwards, and much of them stops reading."""
        got: list[str] = []
        self.events.on_message(lambda connection, text: got.append(text))
        socket = self.server.connect()
        socket.send(upgrade() + frame(TEXT, b"1"), frame(TEXT, b"2"), *[frame(TEXT, bytes(1000))] * 20)
        self.assertTrue(socket.paused)
        self.waiting[0].callback(None)
        self.assertFalse(socket.paused)
        self.assertEqual((got[:2], len(got)), (["1", "2"], 22))

    def test_client_leaves(self) -> None:
        """A client that leaves cancels the question, and never was a connection."""
        socket = self.server.connect()
        socket.send(upgrade())
        socket.leave()
        self.assertEqual((len(self.cancelled), socket.received(), self.server.told), (1, b"", []))
        self.assertEmpty()

    def test_too_long(self) -> None:
        """A handshake that takes too long is dropped."""
        self.serve(websocket=WebSocketOptions(open_timeout=3))
        self.events.on_handshake(lambda connection, request, headers: Deferred(self.cancelled.append))
        socket = self.server.connect()
        socket.send(upgrade())
        self.reactor.advance(2.9)
        self.assertFalse(socket.closed)
        self.reactor.advance(0.1)
        self.assertTrue(socket.closed)
        self.assertEqual((len(self.cancelled), socket.received(), self.server.told), (1, b"", []))
        self.assertEmpty()

    def test_in_time(self) -> None:
        """One that was in time is not."""
        socket = self.server.connect()
        socket.send(upgrade())
        self.reactor.advance(9)
        self.waiting[0].callback(None)
        self.assertEqual(read_answers(socket.received())[0].status, 101)
        self.reactor.advance(100)
        self.assertFalse(socket.closed)

    def test_goodbye(self) -> None:
        """Whoever would come in when the server has said goodbye is refused."""
        socket = self.server.connect()
        socket.send(upgrade())
        for peer in self.server.shared.registry.everyone():
            peer.say_goodbye(1001, "going away")
        self.assertFalse(socket.closed)
        self.waiting[0].callback(None)
        (answer,) = read_answers(socket.received())
        self.assertEqual((answer.status, answer.header("Connection")), (503, b"close"))
        self.assertTrue(socket.closed)
        self.assertEqual(self.server.told, [])
        self.assertEmpty()

    def test_refused_then_frames(self) -> None:
        """What came behind a request that is refused is looked at as a request, and is none."""
        socket = self.server.connect()
        socket.send(upgrade() + frame(TEXT, b"1") + b"\r\n\r\n")
        self.waiting[0].callback(Reject())
        self.assertTrue(socket.received().startswith(b"HTTP/1.1 403 "))
        self.assertTrue(socket.closed)
        self.assertEqual(self.server.told, [])


class CompressionTests(SynchronousTestCase):
    """What is agreed on, as the client sees it."""

    def agreed(self, offer: str, compression: Compression | None) -> bytes | None:
        """Return the extensions in the 101, after a message of each side has gone through."""
        case = ServerTestCase()
        server = case.serve(websocket=WebSocketOptions(compression=compression))
        case.doCleanups()
        server.events.on_message(lambda connection, text: connection.write_data(text))
        socket = server.connect()
        answer = socket.open(f"Sec-WebSocket-Extensions: {offer}")
        socket.send(frame(TEXT, b"long enough" * 100))
        (echo,) = read_frames(socket.received())
        found = answer.header("Sec-WebSocket-Extensions")
        self.assertEqual(echo.rsv, 4 if found else 0)
        return found

    def test_matrix(self) -> None:
        """The answer to each offer is one that RFC 7692 allows."""
        d = "permessage-deflate"
        ours, largest = Compression(), Compression(window_bits=15)
        forgetful = Compression(context_takeover=False)
        for offer, compression, wanted in (
            (d, None, None),
            (d, ours, d),
            (f"{d}; client_max_window_bits", None, None),
            (f"{d}; client_max_window_bits", ours, f"{d}; client_max_window_bits=12"),
            (f"{d}; client_max_window_bits=10", ours, f"{d}; client_max_window_bits=10"),
            (f"{d}; client_max_window_bits=8", ours, d),
            (f"{d}; client_max_window_bits", largest, d),
            (f"{d}; server_max_window_bits=15", ours, f"{d}; server_max_window_bits=12"),
            (f"{d}; server_max_window_bits=9", ours, f"{d}; server_max_window_bits=9"),
            (f'{d}; server_max_window_bits="9"', ours, f"{d}; server_max_window_bits=9"),
            (f"{d}; server_max_window_bits=8", ours, None),
            (f"{d}; server_max_window_bits=8, {d}", ours, d),
            (f"{d}; server_no_context_takeover", ours, f"{d}; server_no_context_takeover"),
            (f"{d}; client_no_context_takeover", ours, f"{d}; client_no_context_takeover"),
            (d, forgetful, f"{d}; server_no_context_takeover; client_no_context_takeover"),
            (f"{d}; x", ours, None),
            (f"{d}; server_max_window_bits", ours, None),
            (f"{d}; client_max_window_bits=99", ours, None),
            (f"{d}; client_max_window_bits; client_max_window_bits", ours, None),
            ("permessage-bzip2", ours, None),
            ("permessage-snappy, x-webkit-deflate-frame", ours, None),
            (f"foo; bar=1, {d.upper()}", ours, d),
        ):
            self.assertEqual(self.agreed(offer, compression), wanted and wanted.encode(), (offer, compression))
