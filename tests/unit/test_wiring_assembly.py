"""Promises of `sgcws.wiring.assembly`: the rooms of a server, put together."""

from __future__ import annotations

import os
from pathlib import Path

from sgcws.options import HTTPOptions, ServerOptions, WebSocketOptions
from sgcws.wiring.assembly import furnish, upgrades
from tests.web import Server, ServerTestCase, request, upgrade


class AssemblyTests(ServerTestCase):
    """Options reach the room they are meant for."""

    def test_times(self) -> None:
        """The first bytes, the head and the idle time have their limits from the options."""
        self.serve(http=HTTPOptions(header_timeout=3, keep_alive_timeout=7))
        silent, slow, idle = (self.server.connect() for _ in range(3))
        slow.send(b"GET / ")
        idle.ask(request("/"))
        for _ in range(6):
            self.reactor.advance(0.5)
        self.assertEqual((silent.closed, slow.closed, idle.closed), (True, True, False))
        self.reactor.advance(4)
        self.assertTrue(idle.closed)

    def test_one_time_for_both(self) -> None:
        """The first bytes and the first head share one time; a later head has it for itself."""
        self.serve(http=HTTPOptions(header_timeout=10, keep_alive_timeout=60))
        slow, later = self.server.connect(), self.server.connect()
        slow.send(b"G")
        later.ask(request("/"))
        self.reactor.advance(4)
        slow.send(b"ET / HT")
        later.send(b"GET / HT")
        self.reactor.advance(5.9)
        self.assertEqual((slow.closed, later.closed), (False, False))
        self.reactor.advance(0.1)
        self.assertEqual((slow.closed, later.closed), (True, False))
        self.reactor.advance(4)
        self.assertTrue(later.closed)

    def test_close_timeout(self) -> None:
        """The end of a WebSocket has its limit from the options, and making another resource changes nothing of it."""
        self.serve(websocket=WebSocketOptions(close_timeout=2))
        socket, peer = self.server.websocket()
        upgrades(self.server.shared, self.reactor)
        peer.close()
        self.reactor.advance(1.9)
        self.assertFalse(socket.closed)
        self.reactor.advance(0.1)
        self.assertTrue(socket.closed)

    def test_before(self) -> None:
        """A handler that is registered late is asked from then on."""
        socket = self.server.connect()
        self.assertEqual(socket.ask(request("/")).status, 404)
        self.events.on_before_command(lambda connection, request, response: response)
        self.assertEqual(socket.ask(request("/")).status, 200)

    def test_furnished_anew(self) -> None:
        """A tree that is furnished anew keeps what was put in, and answers the rest by the new options."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "x").write_text("x")
        root = self.server.root
        self.assertEqual(self.ask(request("/x")).status, 404)
        self.server.shared.options = ServerOptions(http=HTTPOptions(document_root=os.fspath(folder)))
        furnish(root, self.server.shared, self.reactor)
        self.assertEqual(self.ask(request("/x")).body, b"x")

    def test_index_names_the_server(self) -> None:
        """Where no Server header is sent, the index still has a name for the server."""
        self.serve(http=HTTPOptions(test_pages=True, server_header=None))
        self.assertIn(b"sgcws/", self.ask(request("/")).body)

    def test_charset(self) -> None:
        """All text is in the charset of the options."""
        self.serve(http=HTTPOptions(charset="iso-8859-1"))
        self.events.on_before_command(lambda connection, request, response: setattr(response, "text", "ü") or response)
        self.assertEqual(self.ask(request("/")).body, b"\xfc")

    def test_two_trees(self) -> None:
        """What is furnished for one server knows nothing of another."""
        other = Server(http=HTTPOptions(scripts=False))
        self.assertIsNot(other.root.fallback, self.server.root.fallback)
        self.assertEqual(self.ask(request("/sgcws.js")).status, 200)
        self.assertEqual(self.ask(upgrade(path="/sgcws.js")).status, 101)
