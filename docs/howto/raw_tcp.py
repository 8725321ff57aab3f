"""Lines over raw TCP, on the port that also serves HTTP and WebSocket."""

from __future__ import annotations

from sgcws import Connection, RawTCP, Scan, TransportKind, WebSocketHTTPServer, WebSocketOptions

LINES = RawTCP(b"\n", Scan.ALL)
LONGEST_LINE = 1000
TALKS_FIRST = 7000
"""Whoever comes to this port waits for a greeting."""

server = WebSocketHTTPServer(
    bindings=["tcp:8080", f"tcp:{TALKS_FIRST}"],
    websocket=WebSocketOptions(max_message_size=LONGEST_LINE),
)


@server.on_tcp_connect
def greet_at_once(connection: Connection) -> RawTCP | None:
    return LINES if connection.local_port == TALKS_FIRST else None


@server.on_unknown_protocol
def keep(connection: Connection, first_bytes: bytes) -> RawTCP | None:
    return LINES if first_bytes[:1].islower() else None


@server.on_connect
def connect(connection: Connection) -> None:
    if connection.local_port == TALKS_FIRST:
        connection.write_data("hello\n")


@server.on_binary
def answer(connection: Connection, line: bytes) -> None:
    if connection.transport is TransportKind.TCP:
        connection.write_data(b"you said: " + line.rstrip(b"\r") + b"\n")


if __name__ == "__main__":
    server.run()
