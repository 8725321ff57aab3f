"""A chat of its own: the first message of a connection is a name, every other one a line for everybody."""

import argparse

from sgcws import Connection, WebSocketHTTPServer


def chat_server(port: int) -> WebSocketHTTPServer:
    """Return a server with one room; try it with any WebSocket client, such as ``python -m websockets``."""
    server = WebSocketHTTPServer(port)

    @server.on_message
    def message(connection: Connection, text: str) -> None:
        if connection.data is None:
            connection.data = text.strip()[:32] or "somebody"
            server.broadcast(f"* {connection.data} has come")
        else:
            server.broadcast(f"{connection.data}: {text}")

    @server.on_disconnect
    def disconnect(connection: Connection, code: int, reason: str) -> None:
        if connection.data is not None:
            server.broadcast(f"* {connection.data} has left")

    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="the port to listen on [default: 8080]")
    chat_server(parser.parse_args().port).run()
