from pathlib import Path

from sgcws import Connection, HTTPOptions, WebSocketHTTPServer

PAGES = Path(__file__).with_name("pages")

server = WebSocketHTTPServer(port=8080, http=HTTPOptions(document_root=str(PAGES)))


@server.on_message
def say(connection: Connection, text: str) -> None:
    if connection.data is None:
        connection.data = text.strip()[:32] or "somebody"
        server.broadcast(f"{connection.data} is here")
    else:
        server.broadcast(f"{connection.data}: {text}")


@server.on_disconnect
def leave(connection: Connection, code: int, reason: str) -> None:
    if connection.data is not None:
        server.broadcast(f"{connection.data} has left")


if __name__ == "__main__":
    server.run()
