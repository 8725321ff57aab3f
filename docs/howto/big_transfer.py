"""Whoever asks for it gets a large file as one message, as fast as they take it."""

from __future__ import annotations

from pathlib import Path

from sgcws import Connection, Part, WebSocketHTTPServer

FILE = Path("large.bin")
PIECE = 64 * 1024

server = WebSocketHTTPServer(port=8080)


@server.on_message
async def send(connection: Connection, text: str) -> None:
    with FILE.open("rb") as file:
        taken = connection.write_data(b"", part=Part.FIRST)
        while taken and (piece := file.read(PIECE)):
            taken = connection.write_data(piece, part=Part.CONTINUE)
            await connection.drained()
        connection.write_data(b"", part=Part.LAST)


if __name__ == "__main__":
    server.run()
