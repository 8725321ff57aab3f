"""Promises of `sgcws.http.channel`: HTTP/1.1 on one socket."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sgcws.http.channel import Channel
from sgcws.http.site import CommandSite
from sgcws.options import HTTPOptions
from sgcws.version import VERSION
from tests.web import ServerTestCase, read_answers, request

KEEP_ALIVE = 60.0
HEAD = 10.0


class Answering(Resource):
    """Answers with a status and some headers."""

    isLeaf = True

    def __init__(self, status: int = 200, **headers: str) -> None:
        super().__init__()
        self._status = status
        self._headers = headers

    def render(self, request: Any) -> bytes:
        """Answer."""
        request.setResponseCode(self._status)
        for name, value in self._headers.items():
            request.setHeader(name, value)
        return b"" if self._status in (204, 304) else b"body"


class ChannelTestCase(ServerTestCase):
    """Tests with a command that is answered when the test says so."""

    def setUp(self) -> None:
        """Start a server."""
        super().setUp()
        self.waiting: list[tuple[Any, Deferred[None]]] = []
        self.cancelled: list[Deferred[None]] = []

        @self.events.on_command_get
        def wait(request: Any, response: Any) -> Deferred[None]:
            response.text = request.path
            self.waiting.append((request, Deferred(self.cancelled.append)))
            return self.waiting[-1][1]

    def answer(self) -> None:
        """Let the next request have its answer."""
        self.waiting.pop(0)[1].callback(None)


class OrderTests(ChannelTestCase):
    """Requests on one connection."""

    def test_pipelining(self) -> None:
        """Requests that come at once are answered one after the other, in their order."""
        socket = self.server.connect()
        socket.send(request("/1") + request("/2") + request("/3"))
        self.assertEqual([seen.path for seen, _ in self.waiting], ["/1"])
        for _ in range(3):
            self.answer()
        self.assertEqual([answer.body for answer in read_answers(socket.received())], [b"/1", b"/2", b"/3"])

    def test_in_pieces(self) -> None:
        """It does not matter in which pieces a request comes."""
        socket = self.server.connect()
        socket.send(*(bytes([byte]) for byte in request("/1", method="POST", body=b"12345")))
        self.answer()
        self.assertEqual(read_answers(socket.received())[0].body, b"/1")

    def test_close_asked(self) -> None:
        """A client that asks for it, and one of HTTP/1.0, has the connection closed after the answer, and is told."""
        for data in (request("/1", "Connection: close"), request("/1", version="1.0")):
            socket = self.server.connect()
            socket.send(data + request("/2"))
            self.answer()
            (answer,) = read_answers(socket.received())
            self.assertEqual(answer.header("Connection"), b"close")
            self.assertTrue(socket.closed)
            self.assertEqual(self.waiting, [])

    def test_resource_closes(self) -> None:
        """A resource that says the connection ends has it end."""
        self.server.root.putChild(b"x", Answering(Connection="close"))
        socket = self.server.connect()
        self.assertEqual(socket.ask(request("/x")).header("Connection"), b"close")
        self.assertTrue(socket.closed)

    def test_stays(self) -> None:
        """Otherwise the connection stays, and nothing is said of it."""
        socket = self.server.connect()
        for path in ("/1", "/2"):
            socket.send(request(path))
            self.answer()
            self.assertIsNone(read_answers(socket.received())[0].header("Connection"))
        self.assertFalse(socket.closed)

    def test_client_leaves(self) -> None:
        """Of a client that leaves nothing is left: no connection, no time-out."""
        for data in (b"", b"GET / HT", request("/"), request("/", method="POST", body=b"12345")[:-1]):
            socket = self.server.connect()
            socket.send(data)
            socket.leave()
            self.assertEmpty()


class HeadTests(ServerTestCase):
    """Heads of answers."""

    def setUp(self) -> None:
        """Start a server with a resource for some statuses."""
        super().setUp()
        for status in (200, 204, 304):
            self.server.root.putChild(b"%d" % status, Answering(status))

    def test_server_header(self) -> None:
        """Every answer names the server in the words of its options, and not Twisted."""
        for data in (request("/200"), request("/not-there"), request("*", method="OPTIONS")):
            self.assertEqual(self.ask(data).header("Server"), f"sgcws/{VERSION}".encode())

    def test_no_server_header(self) -> None:
        """Without words for it there is none."""
        self.serve(http=HTTPOptions(server_header=None))
        for data in (request("/200"), request("*", method="OPTIONS")):
            self.assertIsNone(self.ask(data).header("Server"))

    def test_server_header_of_a_resource(self) -> None:
        """A resource that names itself is left alone."""
        self.server.root.putChild(b"own", Answering(Server="mine"))
        self.assertEqual(self.ask(request("/own")).header("Server"), b"mine")

    def test_no_body(self) -> None:
        """A status without a body announces no length of one."""
        for path in ("/204", "/304"):
            self.assertIsNone(self.ask(request(path)).header("Content-Length"))
        self.assertEqual(self.ask(request("/200")).header("Content-Length"), b"4")

    def test_options_star(self) -> None:
        """The server as a whole can be asked, and nothing else be done to it (RFC 9110 section 9.3.7)."""
        self.assertEqual(self.ask(request("*", method="OPTIONS")).status, 200)
        self.assertEqual(self.ask(request("*")).status, 405)

    def test_malformed(self) -> None:
        """What is no request gets 400, and the connection ends."""
        for data in (b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n"):
            socket = self.server.connect()
            socket.send(data)
            self.assertIn(b" 400 ", socket.received())
            self.assertTrue(socket.closed)


class DeadlineTests(ChannelTestCase):
    """How long a client may take."""

    def test_slow_head(self) -> None:
        """A head that is not whole in time gets 408 and the end, however busily it is dripping."""
        socket = self.server.connect()
        socket.send(b"GET / HTTP/1.1\r\n")
        for _ in range(9):
            self.reactor.advance(1)
            socket.send(b"X")
        self.assertFalse(socket.closed)
        self.reactor.advance(1)
        (answer,) = read_answers(socket.received())
        self.assertEqual((answer.status, answer.header("Connection")), (408, b"close"))
        self.assertTrue(socket.closed)
        self.assertEmpty()

    def test_every_head(self) -> None:
        """Each request has its own time, from its first byte to the end of its head."""
        socket = self.server.connect()
        for _ in range(3):
            self.reactor.advance(HEAD / 2 + 1)
            socket.send(request("/1"))
            self.answer()
        socket.received()
        self.reactor.advance(2 * HEAD)
        socket.send(b"G")
        self.reactor.advance(HEAD - 0.1)
        self.assertFalse(socket.closed)
        self.reactor.advance(0.1)
        self.assertTrue(socket.closed)

    def test_head_behind_another(self) -> None:
        """The time of a head that came with the last request begins when that is answered."""
        socket = self.server.connect()
        socket.send(request("/1") + b"GET /2")
        self.reactor.advance(2 * HEAD)
        self.answer()
        self.assertFalse(socket.closed)
        self.reactor.advance(HEAD)
        self.assertEqual([answer.status for answer in read_answers(socket.received())], [200, 408])
        self.assertTrue(socket.closed)

    def test_answer_takes_its_time(self) -> None:
        """Neither the body nor the answer counts as head."""
        socket = self.server.connect()
        data = request("/1", method="POST", body=b"12345")
        socket.send(data[:-1])
        self.reactor.advance(2 * HEAD)
        socket.send(data[-1:])
        self.reactor.advance(10 * KEEP_ALIVE)
        self.answer()
        self.assertEqual(read_answers(socket.received())[0].status, 200)

    def test_idle(self) -> None:
        """A connection on which nothing is asked for too long is closed, without a word."""
        self.serve(http=HTTPOptions(keep_alive_timeout=5))
        socket = self.server.connect()
        socket.ask(request("/"))
        self.reactor.advance(4.9)
        self.assertFalse(socket.closed)
        self.reactor.advance(0.1)
        self.assertTrue(socket.closed)
        self.assertEqual(socket.received(), b"")
        self.assertEmpty()

    def test_option(self) -> None:
        """The time for a head is an option."""
        self.serve(http=HTTPOptions(header_timeout=3))
        socket = self.server.connect()
        socket.send(b"GET ")
        self.reactor.advance(3)
        self.assertTrue(socket.closed)


class EndTests(ChannelTestCase):
    """The graceful end."""

    def shut(self) -> None:
        """Say goodbye to everybody."""
        for peer in self.server.shared.registry.everyone():
            peer.say_goodbye(1001, "going away")

    def test_idle(self) -> None:
        """A connection that nothing is asked on ends at once, also one that has asked nothing yet."""
        fresh, used = self.server.connect(), self.server.connect()
        used.send(request("/1"))
        self.answer()
        self.shut()
        self.assertTrue(fresh.closed)
        self.assertTrue(used.closed)

    def test_answer_under_way(self) -> None:
        """An answer under way is finished, says that it is the last, and is."""
        socket = self.server.connect()
        socket.send(request("/1") + request("/2"))
        self.shut()
        self.assertFalse(socket.closed)
        self.answer()
        (answer,) = read_answers(socket.received())
        self.assertEqual((answer.body, answer.header("Connection")), (b"/1", b"close"))
        self.assertTrue(socket.closed)
        self.assertEqual(self.waiting, [])

    def test_request_under_way(self) -> None:
        """A request of which a part has come is heard to its end, and answered."""
        data = request("/1", method="POST", body=b"12345")
        for length in (5, 20, len(data) - 1):
            socket = self.server.connect()
            socket.send(data[:length])
            self.shut()
            socket.send(data[length:])
            self.answer()
            (answer,) = read_answers(socket.received())
            self.assertEqual((answer.body, answer.header("Connection")), (b"/1", b"close"))
            self.assertTrue(socket.closed)

    def test_twice(self) -> None:
        """Saying goodbye twice does no harm."""
        socket = self.server.connect()
        socket.send(request("/1"))
        self.shut()
        self.shut()
        self.answer()
        self.shut()
        self.assertTrue(socket.closed)

    def test_at_once(self) -> None:
        """Disconnecting waits for nothing, and cancels the answer."""
        socket = self.server.connect()
        socket.send(request("/1"))
        self.server.shared.registry.everyone()[0].disconnect()
        self.assertTrue(socket.closed)
        self.assertEqual((len(self.cancelled), socket.received()), (1, b""))

    def test_without_a_tenant(self) -> None:
        """A channel that speaks for nobody works as well."""
        channel = Channel()
        channel.timeOut = None
        socket = self.server.connect()
        channel.makeConnection(socket.transport)
        channel.connectionLost()

    def test_stops_body(self) -> None:
        """A resource that has not finished when the client leaves is told."""
        told: list[Any] = []

        class Slow(Resource):
            isLeaf = True

            def render(self, request: Any) -> int:
                request.notifyFinish().addErrback(told.append)
                return int(NOT_DONE_YET)

        self.server.root.putChild(b"slow", Slow())
        socket = self.server.connect()
        socket.send(request("/slow"))
        socket.leave()
        self.assertEqual(len(told), 1)


class Reading(Resource):
    """Tells how long a body is, and whether it was longer."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Answer."""
        return b"%d %d" % (len(request.content.read()), getattr(request, "too_long", False))


class BodyTests(ServerTestCase):
    """A channel where bodies of one path may have ten bytes."""

    def setUp(self) -> None:
        """Listen."""
        super().setUp()

        def longest(method: bytes, path: bytes) -> int | None:
            return 10 if (method, path) == (b"POST", b"/short") else None

        self.port = self.server.listen(CommandSite(Reading(), HTTPOptions(), self.reactor, None, longest))
        self.socket = self.server.connect(self.port)

    def post(self, body: bytes, *lines: str, path: str = "/short?a=b", method: str = "POST") -> bytes:
        """Write a request."""
        return request(path, *lines, method=method, body=body)

    def chunked(self, *chunks: bytes) -> bytes:
        """Write one in chunks, without an end."""
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        return request("/short", "Transfer-Encoding: chunked", method="POST") + body

    def test_as_long_as_it_may_be(self) -> None:
        """A body up to the limit is read, and the next request follows."""
        last = b"0\r\n\r\n"
        self.socket.send(self.post(bytes(10)), self.chunked(bytes(10)) + last, self.post(b""))
        bodies = [answer.body for answer in read_answers(self.socket.received())]
        self.assertEqual(bodies, [b"10 0", b"10 0", b"0 0"])
        self.assertFalse(self.socket.closed)

    def test_announced(self) -> None:
        """One that is announced to be longer is answered before it comes, and nothing follows."""
        for lines in ((), ("Expect: 100-continue",)):
            for rest in (b"", bytes(11), bytes(11) + request("/"), request("/") * 10):
                socket = self.server.connect(self.port)
                whole = self.post(bytes(11), *lines)
                socket.send(whole[:-11] + rest)
                (answer,) = read_answers(socket.received())
                self.assertEqual((answer.body, answer.header("Connection")), (b"0 1", b"close"))
                self.assertTrue(socket.closed)

    def test_in_chunks(self) -> None:
        """One that turns out to be longer is answered then, without what has come of it."""
        for pieces in ((bytes(11),), (bytes(10), b"x"), (bytes(5), bytes(100_000))):
            for whole in (True, False):
                socket = self.server.connect(self.port)
                data = self.chunked(*pieces)
                socket.send(data) if whole else socket.send(*(bytes([byte]) for byte in data[:200]))
                (answer,) = read_answers(socket.received())
                self.assertEqual((answer.body, answer.header("Connection")), (b"0 1", b"close"))
                socket.send(b"0\r\n\r\n" + request("/"))
                self.assertEqual(socket.received(), b"")
                self.assertTrue(socket.closed)

    def test_malformed(self) -> None:
        """One that is malformed is refused once, however long it is."""
        self.socket.send(self.chunked(bytes(9), bytes(9)) + b"x\r\n")
        self.assertEqual(self.socket.received().count(b"HTTP/1.1"), 1)

    def test_others(self) -> None:
        """Bodies of other requests may be of any length."""
        self.socket.send(self.post(bytes(11), path="/long"), self.post(bytes(11), method="PUT"))
        self.assertEqual([answer.body for answer in read_answers(self.socket.received())], [b"11 0", b"11 0"])
