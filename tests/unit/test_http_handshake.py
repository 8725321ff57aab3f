"""Promises of `sgcws.http.handshake`: what stands between a request and a connection that takes messages."""

from __future__ import annotations

from typing import Any

from multidict import CIMultiDictProxy
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource

from sgcws.http.exchange import exchange_of
from sgcws.http.handshake import Handshake, refuse
from sgcws.http.response import send_status
from sgcws.options import SecurityOptions, WebSocketOptions
from sgcws.realtime.shared import Shared
from sgcws.values import Reject
from tests.support import raiser
from tests.web import Server, ServerTestCase, request


class Door(Resource):
    """Answers 204 to whom it lets in."""

    isLeaf = True

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self._shared = shared
        self._handshake = Handshake(shared, ("x-ours",))
        self.added: list[CIMultiDictProxy[str]] = []

    def render(self, request: Any) -> int:
        """Answer."""
        exchange = exchange_of(self._shared, request)

        def let_in(added: CIMultiDictProxy[str]) -> None:
            self.added.append(added)
            send_status(request, 204)

        return self._handshake.ask(exchange, let_in) if self._handshake.may_connect(exchange) else refuse(exchange, 403)


class HandshakeTests(ServerTestCase):
    """A server with a door."""

    def serve(self, **groups: Any) -> Server:
        """Start one with other options."""
        server = super().serve(**groups)
        self.door = Door(server.shared)
        server.root.putChild(b"", self.door)
        return server

    def status(self, *lines: str) -> int:
        """Return how a request is answered."""
        return self.ask(request("/", *lines)).status

    def test_origins(self) -> None:
        """A request is let in by its one origin, or without one by the site that a browser names."""
        for lines, wanted in (
            ((), 204),
            (("Origin: http://localhost",), 204),
            (("Origin: https://localhost",), 204),
            (("Origin: http://evil.test",), 403),
            (("Origin: http://localhost", "Origin: http://evil.test"), 403),
            (("Sec-Fetch-Site: same-origin",), 204),
            (("Sec-Fetch-Site: cross-site",), 403),
        ):
            self.assertEqual(self.status(*lines), wanted, lines)
        self.serve(security=SecurityOptions(allowed_origins=("http://a.test",)))
        self.assertEqual(self.status("Origin: http://a.test"), 204)
        self.assertEqual(self.status("Origin: http://localhost"), 403)

    def test_answers(self) -> None:
        """Nobody who answers, and None, lets in; a refusal is sent as it is; a failure is a 500."""
        self.assertEqual(self.status(), 204)
        for answer, wanted in ((None, 204), (Reject(429), 429)):
            self.serve()
            self.events.on_handshake(lambda connection, request, headers, given=answer: given)
            self.assertEqual(self.status(), wanted)
        self.serve()
        self.events.on_handshake(raiser(KeyError()))
        self.assertEqual(self.status(), 500)
        self.assertEqual(self.server.told, [KeyError])
        self.flushLoggedErrors(KeyError)

    def test_added(self) -> None:
        """Headers that were added are handed on; one that is ours, or cannot be sent, is a 500."""
        for name, value, wanted in (("X-A", "b", 204), ("x-OURS", "b", 500), ("X-A", "b\n", 500), ("X A", "b", 500)):
            self.serve()
            self.events.on_handshake(lambda connection, request, headers, n=name, v=value: headers.add(n, v))
            self.assertEqual(self.status(), wanted)
            self.assertEqual([dict(added) for added in self.door.added], [{name: value}] if wanted == 204 else [])
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 0 if wanted == 204 else 1)

    def test_late_answer(self) -> None:
        """An answer may take its time, but no longer than open_timeout."""
        self.serve(websocket=WebSocketOptions(open_timeout=3))
        answers: list[Deferred[None]] = []

        @self.events.on_handshake
        def later(connection: Any, request: Any, headers: Any) -> Deferred[None]:
            answers.append(Deferred())
            return answers[-1]

        first, second = self.server.connect(), self.server.connect()
        first.send(request("/"))
        second.send(request("/"))
        self.reactor.advance(2)
        answers[0].callback(None)
        self.reactor.advance(1)
        self.assertIn(b"204", first.received())
        self.assertEqual((first.closed, second.closed), (False, True))

    def test_refusal_is_the_end(self) -> None:
        """What follows a request that was refused is not read as another one."""
        socket = self.server.connect()
        socket.send(request("/", "Origin: http://evil.test") * 2)
        self.assertEqual(socket.received().count(b"HTTP/1.1 403"), 1)
        self.assertTrue(socket.closed)
