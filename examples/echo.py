"""Echo: every message goes back to who sent it."""

import argparse

from sgcws import Connection, TLSOptions, WebSocketHTTPServer


def echo_server(port: int, tls: TLSOptions | None = None) -> WebSocketHTTPServer:
    """Return a server that echoes text and binary messages, over TLS if there is a certificate for it."""
    server = WebSocketHTTPServer(port, tls=tls)

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
    parser.add_argument("--certificate", help="a file in PEM with a certificate and its private key, for TLS")
    options = parser.parse_args()
    echo_server(options.port, options.certificate and TLSOptions(certificate=options.certificate)).run()
