"""The server of `ported.pas`, in Python."""

from __future__ import annotations

from sgcws import Connection, Request, Response, WebSocketHTTPServer, WebSocketOptions

server = WebSocketHTTPServer(
    port=5414,
    websocket=WebSocketOptions(max_message_size=1024 * 1024),
)


@server.on_connect
def connect(connection: Connection) -> None:
    connection.data = {"lines": 0}
    server.broadcast(f"{connection.ip} is here", exclude=[connection.guid])


@server.on_message
def message(connection: Connection, text: str) -> None:
    connection.data["lines"] += 1
    if text == "bye":
        connection.close(1000, "bye")
    else:
        server.broadcast(text, exclude=[connection.guid])


@server.on_disconnect
def disconnect(connection: Connection, code: int, reason: str) -> None:
    server.broadcast(f"{connection.ip} has left ({code})")


@server.on_command_get
def command_get(request: Request, response: Response) -> None:
    if request.path == "/count":
        response.text = str(len(server.connections))
        response.content_type = "text/plain"
    else:
        response.status = 404


if __name__ == "__main__":
    server.run()
