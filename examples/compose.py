"""
Two ways to put sgcws and twisted.web together.

An application of twisted.web, with its own site and resources, gets a WebSocket at ``/live``.
The server of sgcws, on a port of its own, gets a resource of that application at ``/time``.
Both ports lead to the same connections: what is said on one is heard on the other.

::

    python examples/compose.py --port 8080 --site-port 8081
"""

import argparse
import time

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IListeningPort
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from sgcws import Connection, WebSocketHTTPServer


class Clock(Resource):
    """A resource as any application of twisted.web has them."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        """Tell the time."""
        request.setHeader("Content-Type", "text/plain; charset=utf-8")
        return time.strftime("%H:%M:%S\n").encode()


def live_server(port: int) -> WebSocketHTTPServer:
    """Return a server that sends every message to everybody, and has the clock among its resources."""
    server = WebSocketHTTPServer(port)
    server.resources.putChild(b"time", Clock())

    @server.on_message
    def tell_everybody(connection: Connection, text: str) -> None:
        server.broadcast(text)

    return server


def site_with(server: WebSocketHTTPServer) -> Site:
    """Return the application's site, which knew nothing of WebSockets until now."""
    root = Resource()
    root.putChild(b"clock", Clock())
    root.putChild(b"live", server.websocket_resource())
    return Site(root)


def announce(port: IListeningPort) -> None:
    """Say where the application's site is."""
    address = port.getHost()
    assert isinstance(address, IPv4Address)
    print(f"the site listens on http://localhost:{address.port}/", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Put sgcws and twisted.web together.")
    parser.add_argument("--port", type=int, default=8080, help="the port of sgcws [default: 8080]")
    parser.add_argument("--site-port", type=int, default=8081, help="the port of the site [default: 8081]")
    arguments = parser.parse_args()
    server = live_server(arguments.port)
    TCP4ServerEndpoint(reactor, arguments.site_port).listen(site_with(server)).addCallback(announce)
    server.run()
