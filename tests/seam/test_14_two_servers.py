"""Seam 14: a resource of one server in the tree of another; both find a connection of theirs on the channel."""

from __future__ import annotations

from sgcws.websocket import WebSocketResource
from sgcws.wiring.assembly import upgrades
from tests.web import CLOSE, TEXT, Frame, Server, ServerTestCase, frame


class TwoServersTests(ServerTestCase):
    """A WebSocket of the guest's, by way of the host's port."""

    def setUp(self) -> None:
        """Put the guest's resource into the host's tree."""
        super().setUp()
        self.guest = Server()
        self.server.root.putChild(b"guest", WebSocketResource(upgrades(self.guest.shared, self.server.reactor)))
        self.guest.events.on_message(lambda connection, text: connection.write_data(text))

    def test_the_guest_hears(self) -> None:
        """The guest's application is told of it, and the host's of nothing."""
        socket = self.server.connect()
        socket.open(path="/guest")
        socket.send(frame(TEXT, b"x"))
        self.assertEqual(socket.frames(), [Frame(TEXT, b"x")])
        self.assertEqual((self.guest.told, self.server.told), (["connect"], []))
        self.assertEqual(len(self.guest.shared.registry), 1)

    def test_the_host_keeps_nobody(self) -> None:
        """The host has nobody to wait for when it stops, and the guest has."""
        socket = self.server.connect()
        socket.open(path="/guest")
        self.assertEqual(self.server.shared.registry.everyone(), ())
        (peer,) = self.guest.shared.registry.everyone()
        peer.say_goodbye(1001, "going away")
        self.assertEqual([got.opcode for got in socket.frames()], [CLOSE])

    def test_both_are_asked_about_one_request(self) -> None:
        """The host is asked before, the guest about the handshake, each with a connection of its own."""
        asked = []
        self.server.events.on_before_command(lambda connection, request, response: asked.append(connection))
        self.guest.events.on_handshake(lambda connection, request, headers: asked.append(connection))
        self.server.connect().open(path="/guest")
        host, guest = asked
        self.assertIsNot(host, guest)
        self.assertEqual(self.guest.shared.registry.everyone(), (guest,))
