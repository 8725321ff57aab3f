from sgcws import Connection, HTTPOptions, WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080, http=HTTPOptions(test_pages=True))


@server.on_message
def echo(connection: Connection, text: str) -> None:
    connection.write_data(f"you said: {text}")


if __name__ == "__main__":
    server.run()
