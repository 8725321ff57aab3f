"""Promises of `sgcws.http.visitor`: which connection a request came in on."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.server import Site

from sgcws.http.visitor import ChannelHolder
from tests.web import ServerTestCase, request


class VisitorTests(ServerTestCase):
    """Connections of requests, on our channel and on others."""

    def setUp(self) -> None:
        """Start a server whose command waits."""
        super().setUp()
        self.seen: list[Any] = []
        self.cancelled: list[Any] = []

        @self.events.on_command_get
        def wait(request: Any, response: Any) -> Deferred[None]:
            self.seen.append(request.connection)
            self.answer: Deferred[None] = Deferred(self.cancelled.append)
            return self.answer

        self.foreign = self.server.listen(Site(self.server.root, reactor=self.reactor))

    def everyone(self) -> tuple[Any, ...]:
        """Return everybody that the server knows of."""
        return self.server.shared.registry.everyone()

    def test_own_channel(self) -> None:
        """On our channel it is the connection that the socket has been from its accept on."""
        socket = self.server.connect()
        before = self.everyone()
        for path in ("/1", "/2"):
            socket.send(request(path))
            self.answer.callback(None)
        self.assertEqual(tuple(self.seen), before * 2)

    def test_foreign_channel(self) -> None:
        """On another it is one for this request, with the addresses of the socket, and ends with the answer."""
        socket = self.server.connect(self.foreign)
        self.assertEqual(self.everyone(), ())
        socket.send(request("/"))
        (peer,) = self.everyone()
        self.assertEqual((peer.ip, peer.port), ("127.0.0.1", socket.transport.getPeer().port))
        self.assertEqual(peer.local_port, socket.transport.getHost().port)
        self.answer.callback(None)
        self.assertEqual((self.seen, self.everyone()), ([peer], ()))

    def test_foreign_client_leaves(self) -> None:
        """It ends when the client leaves, too."""
        socket = self.server.connect(self.foreign)
        socket.send(request("/"))
        socket.leave()
        self.assertEqual((self.everyone(), len(self.cancelled)), ((), 1))

    def test_foreign_goodbye(self) -> None:
        """Such a connection can be ended politely or at once."""
        for end in (lambda peer: peer.say_goodbye(1001, ""), lambda peer: peer.disconnect()):
            socket = self.server.connect(self.foreign)
            socket.send(request("/"))
            (peer,) = self.everyone()
            end(peer)
            self.assertTrue(socket.closed)
            self.assertEqual(self.everyone(), ())

    def test_foreign_upgraded(self) -> None:
        """Once its request has upgraded, the channel holds nothing of it any more."""
        socket = self.server.connect(self.foreign)
        channel = socket.transport.protocol._channel
        socket.open()
        ChannelHolder(channel).abort()
        self.assertFalse(socket.closed)
