"""A ping to everybody, so that no proxy takes a connection for dead."""

from __future__ import annotations

from twisted.internet.task import LoopingCall

from sgcws import WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080)
pings = LoopingCall(server.ping)


@server.on_startup
def begin() -> None:
    pings.start(30, now=False)


@server.on_shutdown
def end() -> None:
    pings.stop()
