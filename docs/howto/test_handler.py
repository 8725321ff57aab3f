"""A handler is returned unchanged, so a test can call it with anything that has what it uses."""

from __future__ import annotations

from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from sgcws import Connection, WebSocketHTTPServer

server = WebSocketHTTPServer()


@server.on_message
def shout(connection: Connection, text: str) -> None:
    connection.write_data(text.upper())


class Listener:
    """As much of a connection as the handler needs."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def write_data(self, data: str) -> bool:
        self.heard.append(data)
        return True


class HandlerTests(SynchronousTestCase):
    """The handler by itself."""

    def test_shout(self) -> None:
        """A message comes back in upper case."""
        listener = Listener()
        shout(cast(Connection, listener), "hello")
        self.assertEqual(listener.heard, ["HELLO"])
