"""The server's look at itself from outside: a WebSocket connection to its own port, and an echo over it."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from sgcws.events import Events
from sgcws.http.site import CommandSite
from sgcws.options import ServerOptions
from sgcws.realtime.shared import Shared
from sgcws.reception import FrontDesk
from sgcws.rules.addresses import host_and_port
from sgcws.websocket import Upgrades, WebSocketResource
from sgcws.websocket.echo_client import EchoClientFactory
from sgcws.websocket.protocol import MessageFactory

__all__ = ["SelfCheck"]

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class SelfCheck:
    """
    Connects to the server's own listener, and answers that connection itself.

    It is told from other peers by its source port, which is known before it connects; so the application hears
    nothing of it, and cannot refuse it.

    Args:
        shared: What the peers of the server share; its clock and carrier are used.
        options: Today's options.
        reactor: The reactor.
        log: Where a failing echo is reported.
    """

    def __init__(self, shared: Shared, options: ServerOptions, reactor: Any, log: Logger) -> None:
        self._reactor = reactor
        self._expected: set[tuple[str, int]] = set()
        events = Events(_no_pool, log)
        events.on_binary(lambda connection, data: connection.write_data(data))
        own = Shared(clock=shared.clock, carrier=shared.carrier, events=events)
        factory = MessageFactory(options.websocket, None, reactor)
        resource = WebSocketResource(Upgrades(own, options.websocket, options.security, factory))
        self.desk = FrontDesk(own, CommandSite(resource, options.http, reactor), options.listen)

    def expects(self, address: object) -> bool:
        """Whether a new socket from *address* is its own."""
        return host_and_port(address) in self._expected

    def probe(self, listening: object) -> Deferred[None]:
        """
        Ask for an echo.

        Args:
            listening: The address of a listener; one that has no port counts as answering.

        Returns:
            A Deferred that fires when the echo has come, or fails; cancelling it ends the connection.
        """
        host, port = host_and_port(listening)
        if not port:
            return succeed(None)
        host = LOOPBACK.get(host, host)
        client = EchoClientFactory(os.urandom(16), self._reactor)
        connector = self._reactor.connectTCP(host, port, client, bindAddress=(host, 0))
        answer = _cancelling(client, connector)
        source = _source(connector)
        self._expected.add(source)
        return answer.addBoth(self._done, source)

    def _done(self, result: Any, source: tuple[str, int]) -> Any:
        self._expected.discard(source)
        return result


def _source(connector: Any) -> tuple[str, int]:
    """Return the source address of a connection that is about to be made; binding the socket came first."""
    if getattr(connector.transport, "socket", None) is None:
        # There was no descriptor left for it; the connection fails by itself in a moment.
        return "", 0
    return host_and_port(connector.transport.getHost())


def _cancelling(client: EchoClientFactory, connector: Any) -> Deferred[None]:
    """Return a Deferred of the answer that ends the connection when it is cancelled."""
    outer: Deferred[None] = Deferred(lambda _: connector.disconnect())
    client.answered.addBoth(lambda result: None if outer.called else outer.callback(result))
    return outer


def _no_pool(function: Any, *args: Any) -> Any:
    """Never called: no handler of the look at ourselves is threaded."""
    raise NotImplementedError
