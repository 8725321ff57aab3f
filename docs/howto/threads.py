"""Handlers that block, and calls from a thread of one's own."""

from __future__ import annotations

import hashlib
import threading

from sgcws import Connection, WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080)


@server.on_message(threaded=True)
def hashed(connection: Connection, text: str) -> None:
    # This takes a while, in a thread of the pool. Others are served meanwhile.
    digest = hashlib.pbkdf2_hmac("sha256", text.encode(), b"salt", 100_000)
    connection.write_data(digest.hex())


def measure() -> None:
    """Run in a thread that is not Twisted's."""
    server.broadcast("21.5 degrees")


@server.on_startup
def begin() -> None:
    threading.Thread(target=measure, daemon=True).start()


if __name__ == "__main__":
    server.run()
