"""Lines over raw TCP, on the port that also serves HTTP and WebSocket."""

from __future__ import annotations

from sgcws import Connection, RawTCP, TransportKind, WebSocketHTTPServer

LONGEST_LINE = 1000
TALKS_FIRST = 7000
"""Whoever comes to this port waits for a greeting."""

server = WebSocketHTTPServer(bindings=["tcp:8080", f"tcp:{TALKS_FIRST}"])


@server.on_tcp_connect
def greet_at_once(connection: Connection) -> RawTCP | None:
    return RawTCP() if connection.local_port == TALKS_FIRST else None


@server.on_unknown_protocol
def keep(connection: Connection, first_bytes: bytes) -> RawTCP | None:
    return RawTCP() if first_bytes[:1].islower() else None


@server.on_connect
def connect(connection: Connection) -> None:
    if connection.local_port == TALKS_FIRST:
        connection.write_data("hello\n")


@server.on_binary
def packet(connection: Connection, data: bytes) -> None:
    if connection.transport is not TransportKind.TCP:
        return
    *lines, rest = ((connection.data or b"") + data).split(b"\n")
    connection.data = rest
    if len(rest) > LONGEST_LINE:
        connection.disconnect()
    for line in lines:
        connection.write_data(b"you said: " + line.rstrip(b"\r") + b"\n")


if __name__ == "__main__":
    server.run()
