"""Prices for everybody; a peer that is slow gets the newest of each."""

from __future__ import annotations

from twisted.logger import Logger

from sgcws import Connection, SlowClientPolicy, WebSocketHTTPServer, WebSocketOptions, WhenFull

log = Logger()
policy = SlowClientPolicy(limit=1024**2, when_full=WhenFull.CONFLATE)
server = WebSocketHTTPServer(port=8080, websocket=WebSocketOptions(outgoing=policy))


@server.on_message
def price(connection: Connection, text: str) -> None:
    """Pass on what the feed says, as in ``EURUSD 1.0842``."""
    if connection.path == "/feed":
        name = text.partition(" ")[0]
        server.broadcast(text, key=name, exclude=[connection.guid])


@server.on_slow_client
def slow(connection: Connection, dropped: int) -> None:
    log.warn("{ip} misses {dropped} prices", ip=connection.ip, dropped=dropped)


if __name__ == "__main__":
    server.run()
