"""Our WebSocket at one place of a site that is somebody else's."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from sgcws import Connection, WebSocketHTTPServer

server = WebSocketHTTPServer()


@server.on_message
def echo(connection: Connection, text: str) -> None:
    connection.write_data(text)


root = Resource()
root.putChild(b"", Data(b"<h1>our site</h1>", "text/html"))
root.putChild(b"ws", server.websocket_resource())
site = Site(root)

if __name__ == "__main__":
    reactor.listenTCP(8080, site)  # type: ignore[arg-type]
    reactor.addSystemEventTrigger("before", "shutdown", server.stop)
    reactor.run()
