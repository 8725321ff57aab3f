"""Promises of `sgcws.sse.resource`: streams that begin with a GET, and messages that come by POST."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from multidict import CIMultiDict
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from sgcws.options import FallbackOptions, HTTPOptions, SecurityOptions, ServerSentEvents, WebSocketOptions
from sgcws.realtime.inbox import MOST_MESSAGES
from sgcws.values import Reject, TransportKind
from tests.streams import PATH, StreamTestCase, read_head
from tests.support import Recorder, raiser
from tests.web import BINARY, TEXT, frame, read_answers, request

ASK = "Accept: text/event-stream"
BYTES = "application/octet-stream"


class OpeningTests(StreamTestCase):
    """How a stream begins."""

    def test_head(self) -> None:
        """The answer is a stream that nobody keeps, neither as a whole nor in part, and the last of its socket."""
        head = self.stream().head
        self.assertEqual(head.status, 200)
        for name, value in (
            ("Content-Type", b"text/event-stream"),
            ("Cache-Control", b"no-store"),
            ("X-Accel-Buffering", b"no"),
            ("X-Content-Type-Options", b"nosniff"),
            ("Connection", b"close"),
            ("Transfer-Encoding", b"chunked"),
            ("Content-Length", None),
        ):
            self.assertEqual(head.header(name), value, name)

    def test_connection(self) -> None:
        """It is the connection that was accepted, and knows by which request it came."""
        accepted = Recorder()
        self.events.on_tcp_connect(accepted)
        client = self.stream("Last-Event-ID: 7", "Cookie: a=b", path=f"{PATH}?room=1")
        self.assertEqual(accepted.calls, [(client.peer,)])
        self.assertIs(client.peer.transport, TransportKind.SSE)
        self.assertEqual((client.peer.path, client.peer.url), (PATH, f"{PATH}?room=1"))
        self.assertEqual(client.peer.query["room"], "1")
        self.assertEqual((client.peer.headers["last-event-id"], client.peer.headers["cookie"]), ("7", "a=b"))
        self.assertEqual(client.peer.ip, "127.0.0.1")
        self.assertIsNone(client.peer.protocol)
        self.assertEqual(self.server.told, ["connect"])

    def test_first_event(self) -> None:
        """The first event tells who it is and a secret, how long to wait before coming back, and what to say then."""
        self.serve(fallback=FallbackOptions(server_sent_events=ServerSentEvents(retry=1.5)))
        client, other = self.stream(), self.stream()
        self.assertEqual(set(client.opened), {"guid", "secret"})
        self.assertEqual(client.opened["guid"], client.peer.guid)
        self.assertGreaterEqual(len(client.opened["secret"]), 43)
        self.assertNotEqual(client.opened["secret"], other.opened["secret"])
        self.assertEqual(client.source.retry, 1500)
        client.peer.write_data("hello")
        self.assertEqual([event.last_id for event in client.events()], [client.peer.guid])

    def test_order(self) -> None:
        """The questions come first, then on_connect, then messages, then on_disconnect; each once."""
        told: list[str] = []
        self.events.on_tcp_connect(lambda connection: told.append("tcp"))
        self.events.on_before_command(lambda connection, request, response: told.append(request.method))
        self.events.on_handshake(lambda connection, request, headers: told.append("handshake"))
        self.events.on_connect(lambda connection: told.append("connect"))
        self.events.on_message(lambda connection, text: told.append(text))
        self.events.on_disconnect(lambda connection, code, reason: told.append("disconnect"))
        client = self.stream()
        self.assertEqual(told, ["tcp", "GET", "handshake", "connect"])
        client.post(b"hello")
        client.socket.leave()
        self.assertEqual(told[4:], ["tcp", "POST", "hello", "disconnect"])

    def test_greeting(self) -> None:
        """What on_connect writes comes behind the first event."""
        self.events.on_connect(lambda connection: connection.write_data("welcome"))
        self.assertEqual(self.stream().hears(), [("message", "welcome")])

    def test_old_http(self) -> None:
        """A client of HTTP/1.0 gets the stream without chunks; it ends with the socket."""
        client = self.stream(version="1.0")
        self.assertIsNone(client.head.header("Transfer-Encoding"))
        client.peer.write_data("a\nb")
        self.assertEqual(client.hears(), [("message", "a\nb")])
        client.peer.close()
        self.assertTrue(client.socket.closed)

    def test_head_request(self) -> None:
        """HEAD is answered as GET would be, and begins no stream."""
        socket = self.server.connect()
        answer = socket.ask(request(PATH, ASK, method="HEAD"), bodies=False)
        self.assertEqual((answer.status, answer.header("Content-Type")), (200, b"text/event-stream"))
        self.assertTrue(socket.closed)
        self.assertEqual(self.server.told, [])

    def test_idle(self) -> None:
        """No time-out of HTTP ends a stream on which nothing happens."""
        self.serve(heartbeat=None)
        client = self.stream()
        self.reactor.advance(100_000)
        self.assertFalse(client.socket.closed)

    def test_nothing_follows(self) -> None:
        """What is sent behind the request is thrown away, however much it is, and the client's end is heard."""
        socket = self.server.connect()
        socket.send(request(PATH, ASK) + request("/"))
        for _ in range(10):
            socket.send(bytes(10_000))
        self.assertFalse(socket.paused)
        head, body = read_head(socket.received())
        self.assertEqual((head.status, body.count(b"HTTP/1.1")), (200, 0))
        socket.leave()
        self.assertEqual(self.server.told, ["connect", (1006, "")])

    def test_much_before_the_answer(self) -> None:
        """What came while the application thought about it does not keep the client's end from being heard."""
        answer: Deferred[None] = Deferred()
        self.events.on_handshake(lambda connection, request, headers: answer)
        socket = self.server.connect()
        socket.send(request(PATH, ASK), bytes(100_000))
        self.assertTrue(socket.paused)
        answer.callback(None)
        self.assertFalse(socket.paused)

    def test_many(self) -> None:
        """A broadcast is the same event for all, and goes to WebSockets as a message."""
        clients = [self.stream(), self.stream()]
        socket, _ = self.server.websocket()
        self.broadcast("hello")
        for client in clients:
            self.assertEqual(client.hears(), [("message", "hello")])
        self.assertEqual([each.payload for each in socket.frames()], [b"hello"])


class PlaceTests(StreamTestCase):
    """Which requests it is that begin a stream."""

    def test_off(self) -> None:
        """Without the option there is nothing."""
        for fallback in (None, FallbackOptions(server_sent_events=None)):
            self.serve(fallback=fallback)
            self.assertEqual(self.ask(request(PATH, ASK)).status, 404)
            self.assertEqual(self.ask(request(PATH, method="POST")).status, 404)

    def test_path(self) -> None:
        """It is at the path that the options say, and nowhere else."""
        self.serve(fallback=FallbackOptions(server_sent_events=ServerSentEvents(path="/a/b.c")))
        self.assertEqual(self.stream(path="/a/b.c").head.status, 200)
        self.assertEqual(self.stream(path="/%61/b.c").head.status, 200)
        for path in (PATH, "/a", "/a/b.c/", "/a/b.c/d", "/A/b.c"):
            self.assertEqual(self.ask(request(path, ASK)).status, 404, path)

    def test_asked_for_by_name(self) -> None:
        """Only who names the media type gets a stream; others get what the application has there, or nothing."""
        for accept in ("text/event-stream", "text/html, Text/Event-Stream;q=0.1"):
            head, _ = read_head(self.raw(request(PATH, f"Accept: {accept}")))
            self.assertEqual(head.header("Content-Type"), b"text/event-stream", accept)
        for accept in ("*/*", "text/*", "text/event-stream;q=0", "text/html"):
            self.assertEqual(self.ask(request(PATH, f"Accept: {accept}")).status, 404, accept)
        self.events.on_command_get(lambda request, response: setattr(response, "text", "command"))
        self.assertEqual(self.ask(request(PATH)).body, b"command")

    def test_other_methods(self) -> None:
        """Other methods are the application's."""
        self.assertEqual(self.ask(request(PATH, ASK, method="PUT")).status, 404)
        self.events.on_command_other(lambda request, response: setattr(response, "text", request.method))
        for method in ("PUT", "OPTIONS", "DELETE"):
            self.assertEqual(self.ask(request(PATH, ASK, method=method)).body, method.encode())

    def test_before_files(self) -> None:
        """A file of the same path does not hide it."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "events").write_text("file")
        self.serve(
            http=HTTPOptions(document_root=os.fspath(folder)),
            fallback=FallbackOptions(server_sent_events=ServerSentEvents(path="/events")),
        )
        self.assertEqual(self.stream(path="/events").head.status, 200)
        self.assertEqual(self.ask(request("/events")).header("Content-Length"), b"4")

    def test_after_resources(self) -> None:
        """A resource that the application put there hides it."""
        self.server.root.putChild(b"sgcws", Data(b"resource", "text/plain"))
        self.assertEqual(self.ask(request("/sgcws", ASK)).body, b"resource")
        self.assertEqual(self.ask(request(PATH, ASK)).status, 404)

    def test_upgrade(self) -> None:
        """A WebSocket can be had there as everywhere."""
        self.assertEqual(self.server.connect().open(ASK, path=PATH).status, 101)

    def test_in_another_site(self) -> None:
        """In somebody else's tree it is below the place of ours; there the stream ends its socket, too."""
        top = Resource()
        top.putChild(b"a", self.server.root)
        port = self.server.listen(Site(top, reactor=self.reactor))  # type: ignore[arg-type]
        socket = self.server.connect(port)
        socket.send(request(f"/a{PATH}", ASK))
        self.assertEqual(read_head(socket.received())[0].header("Connection"), b"close")
        (peer,) = self.server.shared.registry.messaging()
        peer.write_data("hello")
        self.assertIn(b"data: hello\n\n", socket.received())
        peer.close(4000)
        self.assertTrue(socket.closed)
        self.assertEqual(self.server.told, ["connect", (4000, "")])
        self.assertEqual(self.server.shared.registry.everyone(), ())

    def test_leaving_another_site(self) -> None:
        """A client that leaves there is told of once."""
        port = self.server.listen(Site(self.server.root, reactor=self.reactor))  # type: ignore[arg-type]
        socket = self.server.connect(port)
        socket.send(request(PATH, ASK))
        socket.leave()
        self.assertEqual(self.server.told, ["connect", (1006, "")])
        self.assertEqual(self.server.shared.registry.everyone(), ())

    def raw(self, data: bytes) -> bytes:
        """Send a request over a new socket; return what comes."""
        socket = self.server.connect()
        socket.send(data)
        return socket.received()


class HandshakeTests(StreamTestCase):
    """Who may begin a stream."""

    def test_refused(self) -> None:
        """What on_handshake refuses is answered so, and is no connection."""
        self.events.on_handshake(lambda connection, request, headers: Reject(403, "not you"))
        answer = self.ask(request(PATH, ASK))
        self.assertEqual((answer.status, answer.reason), (403, "not you"))
        self.assertEqual(self.server.told, [])

    def test_headers(self) -> None:
        """What on_handshake adds is sent, cookies as well, and is known of the connection."""

        def add(connection: Any, request: Any, headers: CIMultiDict[str]) -> None:
            headers.add("X-Room", "ü")
            headers.add("Set-Cookie", "a=1")
            headers.add("Set-Cookie", "b=2")

        self.events.on_handshake(add)
        client = self.stream()
        self.assertEqual(client.head.header("X-Room"), "ü".encode())
        self.assertEqual(client.head.headers[b"set-cookie"], [b"a=1", b"b=2"])
        self.assertEqual(client.peer.response_headers["x-room"], "ü")

    def test_wrong_headers(self) -> None:
        """One that cannot be sent, or that the stream itself sets, is a failure of the application's."""
        for name, value in (("X-A", "a\nb"), ("Content-Type", "text/plain"), ("Connection", "keep-alive")):
            self.serve()
            self.events.on_handshake(lambda connection, request, headers, n=name, v=value: headers.add(n, v))
            self.assertEqual(self.ask(request(PATH, ASK)).status, 500)
            self.assertEqual(self.server.told, [ValueError])
            self.flushLoggedErrors(ValueError)

    def test_failing(self) -> None:
        """A handler that fails refuses, and says nothing of why."""
        self.events.on_handshake(raiser(RuntimeError("secret")))
        answer = self.ask(request(PATH, ASK))
        self.assertEqual((answer.status, b"secret" in answer.body), (500, False))
        self.flushLoggedErrors(RuntimeError)

    def test_goodbye_meanwhile(self) -> None:
        """Who is told to go before the answer is there never becomes a connection."""
        answer: Deferred[None] = Deferred()
        self.events.on_handshake(lambda connection, request, headers: answer)
        socket = self.server.connect()
        socket.send(request(PATH, ASK))
        for peer in self.server.shared.registry.everyone():
            peer.say_goodbye(1001, "")
        answer.callback(None)
        self.assertEqual([answer.status for answer in read_answers(socket.received())], [503])
        self.assertEqual(self.server.told, [])

    def test_left_meanwhile(self) -> None:
        """Nor does who has gone by then."""
        answer: Deferred[None] = Deferred()
        self.events.on_handshake(lambda connection, request, headers: answer)
        socket = self.server.connect()
        socket.send(request(PATH, ASK))
        socket.leave()
        self.assertEqual(self.server.told, [])
        self.assertEmpty()

    def test_no_answer(self) -> None:
        """An answer that does not come ends it after open_timeout."""
        self.events.on_handshake(lambda connection, request, headers: Deferred())
        socket = self.server.connect()
        socket.send(request(PATH, ASK))
        self.reactor.advance(10)
        self.assertTrue(socket.closed)

    def test_origins(self) -> None:
        """A page of another origin gets no stream, and the application hears of it."""
        for lines in (
            ("Origin: http://evil.test",),
            ("Origin: null",),
            ("Origin: http://localhost", "Origin: http://localhost"),
            ("Sec-Fetch-Site: cross-site",),
            ("Sec-Fetch-Site: same-site",),
        ):
            self.serve()
            self.assertEqual(self.ask(request(PATH, ASK, *lines)).status, 403, lines)
            self.assertEqual(self.server.told, [403])
        for line in ("Origin: http://localhost", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none"):
            self.assertEqual(self.stream(line).head.status, 200, line)

    def test_other_origins(self) -> None:
        """Origins that are listed are let in, and a page of ours is known without one."""
        self.serve(security=SecurityOptions(allowed_origins=("https://a.test",), allow_missing_origin=False))
        self.assertEqual(self.stream("Origin: https://a.test").head.status, 200)
        for lines in ((), ("Origin: http://localhost",), ("Sec-Fetch-Site: same-origin",)):
            self.assertEqual(self.ask(request(PATH, ASK, *lines)).status, 403, lines)
        self.serve(security=SecurityOptions(allow_missing_origin=False))
        self.assertEqual(self.stream("Sec-Fetch-Site: same-origin").head.status, 200)
        self.assertEqual(self.ask(request(PATH, ASK)).status, 403)


class MessageTests(StreamTestCase):
    """What a client posts."""

    def setUp(self) -> None:
        """Hear of messages."""
        super().setUp()
        self.hear()

    def hear(self) -> None:
        """Keep what comes."""
        self.heard: list[Any] = []
        self.events.on_message(lambda connection, text: self.heard.append((connection, text)))
        self.events.on_binary(lambda connection, data: self.heard.append((connection, data)))

    def test_text(self) -> None:
        """Plain text is one message of the connection, with nothing changed."""
        client = self.stream()
        for text in ("hello", "", "a\r\nb\rc\n", "ä𝄞\0\ufeff"):
            answer = client.post(text.encode())
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.assertEqual(self.heard.pop(), (client.peer, text))
        self.assertEqual((client.peer.messages_received, client.peer.bytes_received), (4, 22))

    def test_binary(self) -> None:
        """Octets are one binary message."""
        client = self.stream()
        self.assertEqual(client.post(b"\0\xff\r\n", kind=BYTES).status, 204)
        self.assertEqual(self.heard, [(client.peer, b"\0\xff\r\n")])

    def test_kinds(self) -> None:
        """Text is plain and UTF-8; what is neither that nor octets is refused, and nothing encoded is taken."""
        client = self.stream()
        for kind in ("text/plain; charset=UTF-8", 'Text/Plain;charset="utf-8"', f"{BYTES}; a=b"):
            self.assertEqual(client.post(b"x", kind=kind).status, 204, kind)
        self.heard.clear()
        for kind in ("", "text/html", "text/plain; charset=latin-1", "application/json", "multipart/form-data"):
            self.assertEqual(client.post(b"x", kind=kind).status, 415, kind)
        self.assertEqual(client.post(b"x", "Content-Encoding: gzip").status, 415)
        self.assertEqual(self.heard, [])

    def test_who(self) -> None:
        """Nobody speaks for another: neither with a guid alone, nor with another's secret, nor for other peers."""
        client, other = self.stream(), self.stream()
        _, websocket = self.server.websocket()
        for changed, status in (
            ({"secret": ""}, 403),
            ({"secret": client.opened["secret"][:-1]}, 403),
            ({"secret": "é"}, 403),
            ({"secret": other.opened["secret"]}, 403),
            ({"guid": other.opened["guid"]}, 403),
            ({"guid": "0" * 32}, 404),
            ({"guid": websocket.guid}, 404),
        ):
            self.assertEqual(client.post(b"x", **changed).status, status, changed)
        self.assertEqual(self.ask(request(PATH, method="POST", body=b"x")).status, 404)
        self.assertEqual(self.heard, [])

    def test_origin(self) -> None:
        """A page of another origin posts nothing, though it had the secret."""
        client = self.stream()
        self.assertEqual(client.post(b"x", "Origin: http://evil.test").status, 403)
        self.assertEqual(client.post(b"x", "Origin: http://localhost").status, 204)

    def test_no_utf8(self) -> None:
        """Text that is no UTF-8 is refused and told of; the connection goes on."""
        client = self.stream()
        self.assertEqual(client.post(b"\xff").status, 400)
        self.assertEqual(self.server.told, ["connect", 400])
        self.assertEqual(client.post(b"x").status, 204)
        self.serve(websocket=WebSocketOptions(validate_utf8=False))
        self.hear()
        self.assertEqual(self.stream().post(b"\xff").status, 204)
        self.assertEqual([text for _, text in self.heard], ["\ufffd"])

    def test_too_big(self) -> None:
        """A message that is too big is refused before it is read, and told of; the connection goes on."""
        self.serve(websocket=WebSocketOptions(max_message_size=10))
        self.hear()
        client = self.stream()
        self.assertEqual(client.post(bytes(10), kind=BYTES).status, 204)
        for line in ("", "Expect: 100-continue"):
            socket = self.server.connect()
            whole = client.message(bytes(11), *filter(None, [line]), kind=BYTES)
            answer = socket.ask(whole[:-11])
            self.assertEqual((answer.status, answer.header("Connection")), (413, b"close"))
            self.assertTrue(socket.closed)
        self.assertEqual(self.server.told, ["connect", 413, 413])
        self.assertEqual([data for _, data in self.heard], [bytes(10)])

    def test_too_big_in_chunks(self) -> None:
        """One that does not say how long it is is read as far as it may go."""
        self.serve(websocket=WebSocketOptions(max_message_size=10))
        self.hear()
        client = self.stream()
        head = client.message(b"", "Transfer-Encoding: chunked")
        answer = self.ask(head + b"a\r\n0123456789\r\n0\r\n\r\n")
        self.assertEqual(answer.status, 204)
        socket = self.server.connect()
        socket.send(head + b"a\r\n0123456789\r\n")
        self.assertEqual(socket.ask(b"1\r\nx").status, 413)
        self.assertTrue(socket.closed)
        self.assertEqual([text for _, text in self.heard], ["0123456789"])

    def test_too_big_in_another_site(self) -> None:
        """Where a channel of somebody else's has read it all, it is refused all the same."""
        self.serve(websocket=WebSocketOptions(max_message_size=10))
        client = self.stream()
        port = self.server.listen(Site(self.server.root, reactor=self.reactor))  # type: ignore[arg-type]
        self.assertEqual(self.server.connect(port).ask(client.message(bytes(11), kind=BYTES)).status, 413)
        self.assertEqual(self.server.connect(port).ask(client.message(bytes(10), kind=BYTES)).status, 204)

    def test_full(self) -> None:
        """When as much waits as may, nothing is taken that would be lost: the client is asked to try again."""
        waiting: list[Deferred[None]] = []
        heard: list[str] = []

        def slow(connection: Any, text: str) -> Deferred[None]:
            heard.append(text)
            waiting.append(Deferred())
            return waiting[-1]

        self.events.on_message(slow)
        client = self.stream()
        taken = 0
        while (answer := client.post(b"%d" % taken)).status == 204:
            taken += 1
        self.assertEqual((answer.status, answer.header("Retry-After")), (503, b"1"))
        self.assertEqual(taken, MOST_MESSAGES + 1)
        while waiting:
            waiting.pop(0).callback(None)
        self.assertEqual(heard, [str(number) for number in range(taken)])
        self.assertEqual(client.post(b"x").status, 204)

    def test_paused(self) -> None:
        """While the application does not read, nothing is taken."""
        client = self.stream()
        client.peer.pause_reading()
        self.assertEqual(client.post(b"x").status, 503)
        client.peer.resume_reading()
        self.assertEqual(client.post(b"x").status, 204)

    def test_awaited(self) -> None:
        """A message may be the answer that is waited for, though nothing else is read."""
        client = self.stream()
        client.peer.pause_reading()
        answer = client.peer.write_and_wait("who?")
        self.assertEqual(client.hears(), [("message", "who?")])
        self.assertEqual(client.post(b"me").status, 204)
        self.assertEqual(self.successResultOf(answer), "me")
        self.assertEqual(self.heard, [])

    def test_too_late(self) -> None:
        """Nobody is there any more once the end has begun."""
        client = self.stream()
        client.peer.close()
        self.assertEqual(client.post(b"x").status, 404)
        other = self.stream()
        other.socket.leave()
        self.assertEqual(other.post(b"x").status, 404)

    def test_one_after_the_other(self) -> None:
        """Messages over one socket are taken in order."""
        client = self.stream()
        socket = self.server.connect()
        socket.send(b"".join(client.message(b"%d" % number) for number in range(5)))
        self.assertEqual([answer.status for answer in read_answers(socket.received())], [204] * 5)
        self.assertEqual([text for _, text in self.heard], ["0", "1", "2", "3", "4"])
        self.assertFalse(socket.closed)

    def test_to_others(self) -> None:
        """A message goes on to others, whatever they speak, and theirs come back."""
        client = self.stream()
        socket, _ = self.server.websocket()
        self.events.on_message(lambda connection, text: self.broadcast(text))
        self.events.on_binary(lambda connection, data: self.broadcast(data))
        client.post(b"a")
        socket.send(frame(TEXT, b"b"), frame(BINARY, b"c"))
        self.assertEqual(client.hears(), [("message", "a"), ("message", "b"), ("binary", "Yw==")])
        self.assertEqual([each.payload for each in socket.frames()], [b"a", b"b", b"c"])


class LimitTests(StreamTestCase):
    """Which bodies the limit is for."""

    def test_other_places(self) -> None:
        """Bodies to other places, by other methods, and for resources of the application are as they were."""
        self.serve(websocket=WebSocketOptions(max_message_size=10))
        self.events.on_command_get(lambda request, response: setattr(response, "text", str(len(request.body))))
        self.events.on_command_other(lambda request, response: setattr(response, "text", str(len(request.body))))
        for path, method in (("/", "POST"), (f"{PATH}/x", "POST"), (PATH, "PUT")):
            self.assertEqual(self.ask(request(path, method=method, body=bytes(100))).body, b"100", path)
        taken = Taken()
        middle = Resource()
        middle.putChild(b"events", taken)
        self.server.root.putChild(b"sgcws", middle)
        self.assertEqual(self.ask(request(PATH, method="POST", body=bytes(100))).body, b"100")


class Taken(Resource):
    """Tells how long a body is."""

    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        """Tell."""
        return b"%d" % len(request.content.read())
