"""A coroutine that waits, on any reactor of Twisted: it awaits Deferreds."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.task import deferLater

from sgcws import Connection, WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080)


@server.on_message
async def echo_later(connection: Connection, text: str) -> None:
    await deferLater(reactor, 0.5)
    connection.write_data(text)


if __name__ == "__main__":
    server.run()
