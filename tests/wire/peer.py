"""A WebSocket client on the reactor of the tests: Autobahn's own."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.endpoints import HostnameEndpoint

__all__ = ["Peer", "connect"]


class Peer(WebSocketClientProtocol):
    """
    A client that keeps what comes.

    Attributes:
        opened: Fires when the handshake is over, and fails if it is refused.
        came: The messages.
        ended: Fires with the close code when the socket is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[Peer] = Deferred()
        self.came: DeferredQueue[bytes] = DeferredQueue()
        self.ended: Deferred[int | None] = Deferred()

    def onOpen(self) -> None:
        """Tell."""
        self.opened.callback(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Keep it."""
        self.came.put(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell."""
        if not self.opened.called:
            self.opened.errback(ConnectionError(f"{code} {reason}"))
        self.ended.callback(code)

    def say(self, text: str) -> None:
        """Send a text message."""
        self.sendMessage(text.encode())

    async def echo(self, text: str) -> bytes:
        """Send a text message, and return the next that comes."""
        self.say(text)
        return await self.came.get()


async def connect(port: int) -> Peer:
    """Connect one to a port of the loopback."""
    factory: Any = WebSocketClientFactory(f"ws://127.0.0.1:{port}/", reactor=reactor)
    factory.protocol = Peer
    factory.noisy = False
    # Its timers would outlive a test.
    factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0, serverConnectionDropTimeout=0)
    # As browsers do (RFC 6455 section 5.5.1).
    factory.setProtocolOptions(echoCloseCodeReason=True)
    peer: Any = await HostnameEndpoint(reactor, "127.0.0.1", port).connect(factory)
    opened: Peer = await peer.opened
    return opened
