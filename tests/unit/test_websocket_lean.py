"""`sgcws.websocket.lean`: what a connection keeps after its handshake."""

from __future__ import annotations

from typing import Any

from tests.web import CLOSE, PING, PONG, TEXT, Frame, Server, ServerTestCase, frame


class LeanTests(ServerTestCase):
    """A protocol keeps what is its own."""

    def protocol(self, server: Server) -> Any:
        """Return the protocol of a new WebSocket."""
        return server.websocket()[0].transport.protocol

    def test_nothing_of_the_handshake(self) -> None:
        """The request, its answer and the options are not kept with each connection."""
        kept = set(vars(self.protocol(self.server)))
        self.assertEqual({name for name in kept if name.startswith(("http_", "websocket_"))}, set())
        self.assertEqual(kept & {"is_open", "trafficStats", "_opening", "maxMessagePayloadSize", "wasClean"}, set())

    def test_defaults(self) -> None:
        """What all begin with is read off the class all the same."""
        protocol = self.protocol(self.server)
        self.assertEqual((protocol.wasClean, protocol.failByDrop, protocol.data), (False, True, b""))
        self.assertFalse(hasattr(type(protocol), "_key"), "what one client sent is in the class of all")

    def test_two_servers(self) -> None:
        """The options of one server are not those of another."""
        ours = self.protocol(self.server)
        theirs = self.protocol(Server())
        self.assertIsNot(type(ours), type(theirs))
        self.assertIs(type(ours), type(self.protocol(self.server)))

    def test_still_of_use(self) -> None:
        """Such a one speaks and ends like any other."""
        socket, _ = self.server.websocket()
        self.events.on_message(lambda connection, text: connection.write_data(text))
        socket.send(frame(PING, b"1"), frame(TEXT, b"2"), frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(socket.frames(), [Frame(PONG, b"1"), Frame(TEXT, b"2"), Frame(CLOSE, b"\x03\xe8")])
        self.assertTrue(socket.closed)
        self.assertEqual(self.server.told, ["connect", (1000, "")])
        self.assertEmpty()
