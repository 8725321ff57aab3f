"""
Twisted's Site with Autobahn's own resource, and nothing of sgcws: an echo that does what clients tell it.

``python -m benchmarks.hardening.stock PORT [PEM [BUFFER]]``: the PEM is a file with certificate and key for TLS, and
BUFFER as for ``tests/wire/target.py``, of whose commands it has those that it needs.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Any

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from tests.wire.buffers import small_buffers
from twisted.internet import reactor as global_reactor
from twisted.internet import ssl
from twisted.internet.task import LoopingCall
from twisted.python.filepath import FilePath
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

reactor: Any = global_reactor
channels: defaultdict[str, set[Any]] = defaultdict(set)


class Echo(WebSocketServerProtocol):
    """Sends back what comes."""

    def onConnect(self, request: Any) -> None:
        """Fail where asked to."""
        if request.path == "/ws/fail":
            raise ValueError("the words of this exception are nobody's business")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Do what a text says, or send it back."""
        if isBinary or not payload.startswith(b"/"):
            self.sendMessage(payload, isBinary)
            return
        name, *words = payload[1:].decode().split()
        getattr(self, f"do_{name}")(*words)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Leave the channels."""
        for members in channels.values():
            members.discard(self)

    def do_subscribe(self, channel: str) -> None:
        """Subscribe the one who asks."""
        channels[channel].add(self)
        self.sendMessage(b"subscribed")

    def do_push(self, count: str, size: str) -> None:
        """Send so many binary messages of a size to the one who asks, one in each turn of the reactor."""
        send_often(lambda: {self}, int(count), int(size))

    def do_broadcast(self, channel: str, count: str, size: str) -> None:
        """Send so many binary messages of a size to a channel, one in each turn."""
        send_often(lambda: channels[channel], int(count), int(size))

    def do_fail(self) -> None:
        """Fail."""
        raise ValueError("the words of this exception are nobody's business")


class Failing(Resource):
    """A page whose code fails."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        """Fail."""
        raise ValueError("the words of this exception are nobody's business")


def send_often(members: Any, count: int, size: int) -> None:
    """Send a message to all members, once in each turn."""
    data, left = bytes(size), [count]

    def send() -> None:
        for member in members():
            member.sendMessage(data, True)
        left[0] -= 1
        if not left[0]:
            call.stop()

    call = LoopingCall(send)
    call.start(0)


def accept_deflate(offers: list[Any]) -> Any:
    """Accept permessage-deflate, which stock does not do by itself."""
    offer = next((offer for offer in offers if isinstance(offer, PerMessageDeflateOffer)), None)
    return None if offer is None else PerMessageDeflateOfferAccept(offer)


def main(port: str, certificate: str = "", buffer: str = "") -> None:
    """Serve until a signal comes."""
    if buffer:
        small_buffers(int(buffer))
    factory = WebSocketServerFactory()
    factory.protocol = Echo
    factory.setProtocolOptions(perMessageCompressionAccept=accept_deflate)
    root = Resource()
    root.putChild(b"ws", WebSocketResource(factory))
    root.putChild(b"fail", Failing())
    root.putChild(b"", Data(b"hello", "text/plain"))
    site = Site(root)
    if certificate:
        pem = FilePath(certificate).getContent()
        options = ssl.PrivateCertificate.loadPEM(pem).options()
        listening = reactor.listenSSL(int(port), site, options, interface="127.0.0.1")
    else:
        listening = reactor.listenTCP(int(port), site, interface="127.0.0.1")
    print(f"listening on {listening.getHost().host}:{listening.getHost().port}/", flush=True)
    reactor.run()


main(*sys.argv[1:])
