"""Echo on sgcws with its default options."""

import sys

from sgcws import Binding, Connection, WebSocketHTTPServer

server = WebSocketHTTPServer(bindings=[Binding(host="127.0.0.1", port=int(sys.argv[1]))])


@server.on_message
def text(connection: Connection, message: str) -> None:
    """Send it back."""
    connection.write_data(message)


@server.on_binary
def binary(connection: Connection, data: bytes) -> None:
    """Send it back."""
    connection.write_data(data)


server.run()
