"""How handlers are registered; the reference of events shows parts of it."""

from __future__ import annotations

import time

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sgcws import Connection, Request, Response, WebSocketHTTPServer

# [registering]
server = WebSocketHTTPServer()


@server.on_message
def echo(connection: Connection, text: str) -> None:
    connection.write_data(text)


@server.on_binary(threaded=True)
def slow(connection: Connection, data: bytes) -> None:
    time.sleep(0.01)  # in a thread of the pool this holds up nobody else
    connection.write_data(data[::-1])


server.on_message.remove(echo)
# [end]


@server.on_command_get
async def answer(request: Request, response: Response) -> None:
    """Answer after a moment, without holding up anybody."""
    await later()
    response.text = "<h1>later</h1>"


def later() -> Deferred[None]:
    """Return what fires in a moment."""
    from twisted.internet import reactor

    return deferLater(reactor, 0.01)
