"""Asks each peer for its name, and how far away it is."""

from __future__ import annotations

from sgcws import Connection, ConnectionClosed, WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080)


@server.on_connect
async def greet(connection: Connection) -> None:
    try:
        name = await connection.write_and_wait("who are you?", timeout=30)
        seconds = await connection.ping()
    except TimeoutError:
        connection.close(1008, "no name")
    except ConnectionClosed:
        pass
    else:
        connection.write_data(f"hello {name!s}, {seconds * 1000:.0f} ms away")


if __name__ == "__main__":
    server.run()
