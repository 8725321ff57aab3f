"""A server that shouts back, and forgets nobody for a minute."""

from __future__ import annotations

from typing import Any

from sgcws import Connection, Request, Response, WebSocketHTTPServer


def make_server(reactor: Any = None) -> WebSocketHTTPServer:
    """Make the server; a test hands its own reactor in."""
    server = WebSocketHTTPServer(port=8080, reactor=reactor)

    @server.on_message
    def shout(connection: Connection, text: str) -> None:
        connection.write_data(text.upper())

    @server.on_command_get
    def count(request: Request, response: Response) -> None:
        response.text = f"{len(server.connections)} here"

    return server
