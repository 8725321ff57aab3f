"""TLS on one port, plain HTTP beside it for this machine."""

from __future__ import annotations

from sgcws import Binding, Connection, TLSOptions, WebSocketHTTPServer

server = WebSocketHTTPServer(
    bindings=[Binding(port=8443), Binding("127.0.0.1", 8080, tls=False)],
    tls=TLSOptions(certificate="fullchain.pem", private_key="privkey.pem"),
)


@server.on_message
def echo(connection: Connection, text: str) -> None:
    connection.write_data(text)


if __name__ == "__main__":
    server.run()
