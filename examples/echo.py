"""Echo: every message goes back to who sent it."""

import argparse

from sgcws import Connection, WebSocketHTTPServer


def echo_server(port: int) -> WebSocketHTTPServer:
    """Return a server that echoes text and binary messages."""
    server = WebSocketHTTPServer(port)

    @server.on_message
    def text(connection: Connection, message: str) -> None:
        connection.write_data(message)

    @server.on_binary
    def binary(connection: Connection, data: bytes) -> None:
        connection.write_data(data)

    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="the port to listen on [default: 8080]")
    echo_server(parser.parse_args().port).run()
