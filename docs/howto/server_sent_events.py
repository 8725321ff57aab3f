"""A page without a WebSocket: it hears by Server-Sent Events, and speaks by POST."""

from __future__ import annotations

from pathlib import Path

from sgcws import Connection, FallbackOptions, Reject, Request, Response, WebSocketHTTPServer

PAGE = Path(__file__).with_name("server_sent_events.html")

server = WebSocketHTTPServer(port=8080, fallback=FallbackOptions())


@server.on_message
def message(connection: Connection, text: str) -> None:
    server.broadcast(text)


@server.on_binary
def binary(connection: Connection, data: bytes) -> None:
    server.broadcast(data)


@server.on_command_get
def page(request: Request, response: Response) -> Reject | None:
    if request.path != "/":
        return Reject(404)
    response.text = PAGE.read_text("utf-8")
    return None


if __name__ == "__main__":
    server.run()
