"""A resource of Twisted's in our tree, beside commands and WebSockets."""

from __future__ import annotations

from twisted.web.resource import Resource
from twisted.web.server import Request as TwistedRequest

from sgcws import Connection, Request, Response, WebSocketHTTPServer


class Status(Resource):
    """Any `twisted.web` resource."""

    isLeaf = True

    def render_GET(self, request: TwistedRequest) -> bytes:
        request.setHeader(b"Content-Type", b"text/plain")
        return b"fine"


server = WebSocketHTTPServer(port=8080)
server.resources.putChild(b"status", Status())


@server.on_command_get
def rest(request: Request, response: Response) -> None:
    response.text = f"no resource took {request.path}"


@server.on_message
def echo(connection: Connection, text: str) -> None:
    connection.write_data(text)


if __name__ == "__main__":
    server.run()
