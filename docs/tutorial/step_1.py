from sgcws import Request, Response, WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080)


@server.on_command_get
def hello(request: Request, response: Response) -> None:
    response.text = f"<h1>hello, {request.ip}</h1>"


if __name__ == "__main__":
    server.run()
