"""A WebSocket client that asks one server for one echo."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

__all__ = ["EchoClientFactory"]


class EchoClient(WebSocketClientProtocol):
    """Sends one message, and leaves when it comes back."""

    factory: EchoClientFactory
    transport: Any

    def onOpen(self) -> None:
        """Send the message."""
        self.sendMessage(self.factory.message, isBinary=True)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Compare what came back, and leave."""
        if payload == self.factory.message:
            self.factory.settle(None)
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail, unless the echo came."""
        self._connectionLost(reason)
        self.factory.settle(reason)


class EchoClientFactory(WebSocketClientFactory):
    """
    Makes the one client.

    Args:
        message: What to send.
        reactor: The reactor.

    Attributes:
        answered: Fires when the echo has come; fails if the connection cannot be made or ends before. Cancelling it
            ends the connection at once.
    """

    protocol = EchoClient  # type: ignore[assignment]  # as Autobahn's own does
    noisy = False

    def __init__(self, message: bytes, reactor: Any) -> None:
        super().__init__(url="ws://localhost/", reactor=reactor)
        # Autobahn's timers run on the global reactor; whoever waits for the answer has a deadline of its own.
        self.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0, serverConnectionDropTimeout=0)
        self.message = message
        self.answered: Deferred[None] = Deferred(self._leave)
        self._connector: Any = None
        self._client: Any = None

    def startedConnecting(self, connector: Any) -> None:
        """Keep what can be told to stop."""
        self._connector = connector

    def buildProtocol(self, addr: Any) -> Any:
        """Make the client."""
        self._client = super().buildProtocol(addr)
        return self._client

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Fail: nobody accepts."""
        self.settle(reason)

    def settle(self, result: Failure | None) -> None:
        """Tell the result, once."""
        if not self.answered.called:
            self.answered.callback(result)

    def _leave(self, _: Deferred[None]) -> None:
        if self._client is None:
            self._connector.stopConnecting()
        else:
            # Over TLS anything more polite would wait for the server's word.
            self._client.transport.abortConnection()
