from sgcws import Connection, HTTPOptions, WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080, http=HTTPOptions(test_pages=True))


@server.on_message
def say(connection: Connection, text: str) -> None:
    server.broadcast(text)


if __name__ == "__main__":
    server.run()
