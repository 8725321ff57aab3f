"""Promises of `sgcws.http.exchange`: one request with its answer."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sgcws.http.exchange import Exchange, exchange_of
from tests.web import ServerTestCase, read_answers, request


class ExchangeTests(ServerTestCase):
    """A request between its questions and its answer."""

    def exchange(self) -> tuple[Any, Exchange]:
        """Return a client that waits, and the exchange of its request."""
        found: list[Exchange] = []

        class Waiting(Resource):
            isLeaf = True

            def render(resource, request: Any) -> int:
                found.append(exchange_of(self.server.shared, request))
                return int(NOT_DONE_YET)

        self.server.root.putChild(b"wait", Waiting())
        socket = self.server.connect()
        socket.send(request("/wait"))
        return socket, found[0]

    def test_one_for_a_request(self) -> None:
        """All questions about one request are given the same objects."""
        _, exchange = self.exchange()
        self.assertIs(exchange_of(self.server.shared, exchange.twisted), exchange)
        self.assertIs(exchange.request.connection, exchange.peer)

    def test_now_or_later(self) -> None:
        """The answer to a question is gone on with when it is there."""
        _, exchange = self.exchange()
        answers: list[Any] = []
        waiting: Deferred[str] = Deferred()
        self.assertEqual(exchange.follow("now", answers.append), NOT_DONE_YET)
        self.assertEqual(exchange.follow(waiting, answers.append), NOT_DONE_YET)
        self.assertEqual(answers, ["now"])
        waiting.callback("later")
        self.assertEqual(answers, ["now", "later"])

    def test_over(self) -> None:
        """Once the client has left, or has its answer, nothing is gone on with."""
        for end in (lambda socket, exchange: socket.leave(), lambda socket, exchange: exchange.send()):
            socket, exchange = self.exchange()
            self.assertTrue(exchange.is_open)
            end(socket, exchange)
            self.assertFalse(exchange.is_open)
            exchange.follow("answer", self.fail)

    def test_fails(self) -> None:
        """A response that cannot be sent is told to the application, and the client gets 500."""
        socket, exchange = self.exchange()
        exchange.response.headers["X-Secret"] = "secret\r\n"
        exchange.send()
        (answer,) = read_answers(socket.received())
        self.assertEqual((answer.status, self.server.told), (500, [ValueError]))
        self.assertNotIn(b"secret", answer.body)
        self.flushLoggedErrors(ValueError)

    def test_through_twisted(self) -> None:
        """A handler that answers through Twisted's own request is not interfered with."""

        def whole(request: Any, response: Any) -> None:
            request.twisted.write(b"own")
            request.twisted.finish()

        def begun(request: Any, response: Any) -> None:
            request.twisted.write(b"own")
            self.reactor.callLater(1, request.twisted.finish)

        for handler in (whole, begun):
            self.events.on_command_get(handler)
            socket = self.server.connect()
            socket.send(request("/"))
            self.reactor.advance(1)
            self.assertEqual(read_answers(socket.received())[0].body, b"own")
            self.events.on_command_get.remove(handler)

    def test_resource_fails_after_its_answer(self) -> None:
        """One that fails after it has answered is logged, and its answer stands."""

        def broken(request: Any) -> None:
            request.write(b"page")
            request.finish()
            raise RuntimeError("broken")

        self.server.root.putChild(b"page", page := Resource())
        self.patch(page, "render", broken)
        waiting: Deferred[Any] = Deferred()
        self.events.on_before_command(lambda connection, request, response: waiting)
        socket = self.server.connect()
        socket.send(request("/page"))
        waiting.callback(None)
        self.assertEqual(read_answers(socket.received())[0].body, b"page")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
