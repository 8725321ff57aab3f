"""Promises of `sgcws.http.commands`: requests that the application answers."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.web.resource import EncodingResourceWrapper, Resource
from twisted.web.server import NOT_DONE_YET, GzipEncoderFactory
from twisted.web.static import Data

from sgcws.values import Reject
from tests.web import Answer, ServerTestCase, read_answers, request

SECRET = "the text of an exception"

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW")


class Page(Resource):
    """Answers anything."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Answer."""
        return b"page"


class CommandTests(ServerTestCase):
    """``on_command_get`` and ``on_command_other``."""

    def assert_failed(self, answer: Answer, errors: int = 1) -> None:
        """Fail unless an answer is a 500 that tells nothing of what the application heard."""
        self.assertEqual(answer.status, 500)
        self.assertNotIn(SECRET.encode(), answer.body + answer.reason.encode())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), errors)
        self.assertEqual(self.server.told, [RuntimeError] * errors)

    def test_who_is_asked(self) -> None:
        """GET, HEAD and POST go to the one, all other methods to the other."""
        asked: list[str] = []
        self.events.on_command_get(lambda request, response: asked.append(f"get {request.method}"))
        self.events.on_command_other(lambda request, response: asked.append(f"other {request.method}"))
        for method in METHODS:
            self.assertEqual(self.ask(request("/", method=method), bodies=method != "HEAD").status, 200)
        self.assertEqual(asked, [f"{'get' if method in METHODS[:3] else 'other'} {method}" for method in METHODS])

    def test_nobody_is_asked(self) -> None:
        """Without a handler for its method a request finds nothing."""
        for method in METHODS:
            self.assertEqual(self.ask(request("/", method=method), bodies=method != "HEAD").status, 404)
        self.events.on_command_get(lambda request, response: None)
        self.assertEqual(self.ask(request("/", method="PUT")).status, 404)

    def test_ways_to_answer(self) -> None:
        """A handler may be a function, a coroutine function, threaded, or return a Deferred."""

        def plain(request: Any, response: Any) -> None:
            response.text = "done"

        async def waits(request: Any, response: Any) -> None:
            await succeed(None)
            response.text = "done"

        def defers(request: Any, response: Any) -> Deferred[None]:
            return succeed(response).addCallback(lambda response: plain(request, response))

        for handler in (plain, waits, defers):
            self.events.on_command_get(handler)
            self.assertEqual(self.ask(request("/")).body, b"done")
            self.events.on_command_get.remove(handler)
        self.events.on_command_get(threaded=True)(plain)
        socket = self.server.connect()
        socket.send(request("/"))
        self.assertEqual(socket.received(), b"")
        self.reactor.pool.run()
        self.assertEqual(read_answers(socket.received())[0].body, b"done")

    def test_refused(self) -> None:
        """A handler may refuse, with what it filled in forgotten."""

        def refuse(request: Any, response: Any) -> Reject:
            response.text, response.status = "secret", 200
            response.headers["X-Name"] = "secret"
            return Reject(403, "no")

        self.events.on_command_get(refuse)
        answer = self.ask(request("/"))
        self.assertEqual((answer.status, answer.reason, answer.header("X-Name")), (403, "no", None))
        self.assertNotIn(b"secret", answer.body)

    def test_failing(self) -> None:
        """One that fails in whatever way gives 500 without its text, and the application hears of it."""

        def plain(request: Any, response: Any) -> None:
            response.text = "half"
            raise RuntimeError(SECRET)

        async def waits(request: Any, response: Any) -> None:
            await succeed(None)
            plain(request, response)

        def defers(request: Any, response: Any) -> Deferred[None]:
            return fail(RuntimeError(SECRET))

        for handler in (plain, waits, defers):
            self.events.on_command_get(handler)
            self.assert_failed(self.ask(request("/")))
            self.server.told.clear()
            self.events.on_command_get.remove(handler)
        self.events.on_command_get(threaded=True)(plain)
        socket = self.server.connect()
        socket.send(request("/"))
        self.reactor.pool.run()
        self.assert_failed(read_answers(socket.received())[0])

    def test_client_leaves(self) -> None:
        """A client that leaves cancels its request, and what the handler says after that goes nowhere."""
        cancelled: list[Any] = []
        self.events.on_command_get(lambda request, response: Deferred(cancelled.append))
        socket = self.server.connect()
        socket.send(request("/"))
        socket.leave()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual((socket.received(), self.server.told), (b"", []))
        self.assertEmpty()

    def test_client_leaves_stubborn_handler(self) -> None:
        """A handler that goes on all the same answers into the void."""
        deferred: Deferred[None] = Deferred(lambda deferred: deferred.callback(None))
        self.events.on_command_get(lambda request, response: deferred)
        socket = self.server.connect()
        socket.send(request("/"))
        socket.leave()
        self.assertEqual((socket.received(), self.server.told), (b"", []))

    def test_client_leaves_thread(self) -> None:
        """What a thread answers too late goes nowhere, too."""
        self.events.on_command_get(threaded=True)(lambda request, response: setattr(response, "text", "late"))
        socket = self.server.connect()
        socket.send(request("/"))
        socket.leave()
        self.reactor.pool.run()
        self.assertEqual((socket.received(), self.server.told), (b"", []))


class BeforeTests(ServerTestCase):
    """``on_before_command``."""

    def setUp(self) -> None:
        """Start a server with a resource and a command."""
        super().setUp()
        self.server.root.putChild(b"page", Page())
        self.events.on_command_get(lambda request, response: setattr(response, "text", "command"))

    def test_everything(self) -> None:
        """It is asked before all: resources, commands, upgrades, what is not there."""
        asked: list[tuple[Any, str]] = []
        self.events.on_before_command(
            lambda connection, request, response: asked.append((connection, request.path))  # type: ignore[func-returns-value]
        )
        socket = self.server.connect()
        self.assertEqual(socket.ask(request("/page")).body, b"page")
        self.assertEqual(socket.ask(request("/x")).body, b"command")
        self.assertEqual(socket.ask(request("/y", method="PUT")).status, 404)
        self.assertEqual(socket.open(path="/z").status, 101)
        (peer,) = self.server.shared.registry.everyone()
        self.assertEqual(asked, [(peer, "/page"), (peer, "/x"), (peer, "/y"), (peer, "/z")])

    def test_answers(self) -> None:
        """Returning the response makes it the answer, and nobody else is asked."""

        def answer(connection: Any, request: Any, response: Any) -> Any:
            response.text = "before"
            return response

        self.events.on_before_command(answer)
        for path in ("/page", "/x"):
            self.assertEqual(self.ask(request(path)).body, b"before")

    def test_refuses(self) -> None:
        """It may refuse, an upgrade, too."""
        self.events.on_before_command(lambda connection, request, response: Reject(403))
        self.assertEqual(self.ask(request("/page")).status, 403)

    def test_same_objects(self) -> None:
        """What it leaves in the response, and on the request, the next handler finds."""
        self.events.on_before_command(
            lambda connection, request, response: response.headers.add("X-Name", "before")
        )
        self.assertEqual(self.ask(request("/x")).header("X-Name"), b"before")

    def test_waits(self) -> None:
        """It may take its time; then the request goes on."""
        waiting: list[Deferred[Any]] = []

        def wait(connection: Any, request: Any, response: Any) -> Deferred[Any]:
            waiting.append(Deferred())
            return waiting[-1]

        self.events.on_before_command(wait)
        for path, body in (("/page", b"page"), ("/x", b"command")):
            socket = self.server.connect()
            socket.send(request(path))
            self.assertEqual(socket.received(), b"")
            waiting.pop().callback(None)
            self.assertEqual(read_answers(socket.received())[0].body, body)

    def test_client_leaves(self) -> None:
        """A client that leaves meanwhile has nothing rendered."""
        cancelled: list[Any] = []
        self.events.on_before_command(lambda connection, request, response: Deferred(cancelled.append))
        rendered: list[Any] = []
        self.patch(Page, "render", lambda page, request: rendered.append(request))
        socket = self.server.connect()
        socket.send(request("/page"))
        socket.leave()
        self.assertEqual((len(cancelled), rendered, self.server.told), (1, [], []))

    def test_fails(self) -> None:
        """If it fails nobody gets in."""

        def broken(connection: Any, request: Any, response: Any) -> None:
            raise RuntimeError(SECRET)

        self.events.on_before_command(broken)
        answer = self.ask(request("/page"))
        self.assertEqual(answer.status, 500)
        self.assertNotIn(SECRET.encode(), answer.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_resource_fails_later(self) -> None:
        """A resource that fails when its turn comes later fails as it would at once."""

        def broken(page: Any, request: Any) -> None:
            raise RuntimeError(SECRET)

        self.patch(Page, "render", broken)
        waiting: Deferred[Any] = Deferred()
        self.events.on_before_command(lambda connection, request, response: waiting)
        socket = self.server.connect()
        socket.send(request("/page"))
        waiting.callback(None)
        (answer,) = read_answers(socket.received())
        self.assertEqual(answer.status, 500)
        self.assertNotIn(SECRET.encode(), answer.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_slow_resource(self) -> None:
        """A resource that answers later does so behind the question as well."""

        def later(page: Any, request: Any) -> int:
            self.reactor.callLater(1, lambda: (request.write(b"late"), request.finish()))
            return int(NOT_DONE_YET)

        self.patch(Page, "render", later)
        self.events.on_before_command(lambda connection, request, response: None)
        socket = self.server.connect()
        socket.send(request("/page"))
        self.reactor.advance(1)
        self.assertEqual(read_answers(socket.received())[0].body, b"late")

    def test_encoded_resource(self) -> None:
        """A resource that Twisted encodes is encoded behind the question, too."""
        wrapped = EncodingResourceWrapper(Data(bytes(1000), "text/plain"), [GzipEncoderFactory()])
        self.server.root.putChild(b"zip", wrapped)
        data = request("/zip", "Accept-Encoding: gzip")
        self.assertEqual(self.ask(data).header("Content-Encoding"), b"gzip")
        self.events.on_before_command(lambda connection, request, response: None)
        self.assertEqual(self.ask(data).header("Content-Encoding"), b"gzip")
