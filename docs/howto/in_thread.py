"""A program that has no reactor and wants none in its way."""

from __future__ import annotations

import sys

from sgcws import Connection, WebSocketHTTPServer


def main(port: int) -> None:
    """Serve beside a program that goes its own way."""
    server = WebSocketHTTPServer(port=port)

    @server.on_message
    def echo(connection: Connection, text: str) -> None:
        connection.write_data(text)

    server.run_in_thread()
    print("listening on", server.listening_ports)
    for line in sys.stdin:
        print("heard by", server.broadcast(line.rstrip()))
    server.wait(server.stop())
    print("stopped")


if __name__ == "__main__":
    main(8080)
