"""The server's look at itself from outside: a WebSocket connection to each of its own ports, and an echo over it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from sgcws.events import Events
from sgcws.http.site import CommandSite
from sgcws.options import ServerOptions, WebSocketOptions
from sgcws.realtime.shared import Shared
from sgcws.rules.addresses import host_and_port
from sgcws.rules.places import Place
from sgcws.websocket import Upgrades, WebSocketResource
from sgcws.websocket.echo_client import EchoClientFactory
from sgcws.websocket.factory import MessageFactory
from sgcws.wiring.reception import FrontDesk

__all__ = ["SelfCheck"]


class SelfCheck:
    """
    Connects to the server's own listeners, and answers these connections itself.

    They are told from other peers by their source ports, which are known before they connect; so the application
    hears nothing of them, and neither it nor its options can refuse them.

    Args:
        shared: What the peers of the server share; its clock and carrier are used.
        reactor: The reactor.
        log: Where a failing echo is reported.

    Attributes:
        desk: Takes in the sockets that it `expects`.
    """

    def __init__(self, shared: Shared, reactor: Any, log: Logger) -> None:
        self._reactor = reactor
        self._expected: set[tuple[str, int]] = set()
        events = Events(_no_pool, log)
        events.on_binary(lambda connection, data: connection.write_data(data))
        options = ServerOptions(websocket=WebSocketOptions(compression=None))
        self._own = Shared(clock=shared.clock, carrier=shared.carrier, events=events, options=options)
        upgrades = Upgrades(self._own, MessageFactory(options.websocket, None, reactor))
        self.desk = FrontDesk(self._own, CommandSite(WebSocketResource(upgrades), options.http, reactor))

    def expects(self, address: object) -> bool:
        """Whether a new socket from *address* is its own."""
        return host_and_port(address) in self._expected

    def probe(self, places: Iterable[Place]) -> Deferred[None]:
        """
        Ask for an echo at all *places*.

        Args:
            places: Where the listeners listen; one that has no port counts as answering.

        Returns:
            A Deferred that fires when all echoes have come, and fails with the first that fails. Cancelling it ends
            the connections.
        """
        looks = [self._look(place) for place in places if place.port]

        def end(result: Any) -> Any:
            for look in looks:
                look.cancel()
            return result

        return gatherResults(looks, consumeErrors=True).addCallback(lambda _: None).addBoth(end)

    async def close(self) -> None:
        """Drop what is left of its connections, and wait until they are gone."""
        for peer in self._own.registry.everyone():
            peer.give_up()
        await self._own.registry.when_gone(self._own.registry.everyone())

    def _look(self, place: Place) -> Deferred[None]:
        client = EchoClientFactory(os.urandom(16), self._reactor)
        connector = self._reactor.connectTCP(
            place.host, place.port, _over_tls(client) if place.secure else client, bindAddress=(place.host, 0)
        )
        if getattr(connector.transport, "socket", None) is None:
            # There is no descriptor left for it, which says nothing about the listener; it fails by itself in a moment.
            client.answered.addErrback(lambda _: None)
            return succeed(None)
        source = host_and_port(connector.transport.getHost())
        self._expected.add(source)
        return client.answered.addBoth(self._done, source)

    def _done(self, result: Any, source: tuple[str, int]) -> Any:
        self._expected.discard(source)
        return result


def _over_tls(client: EchoClientFactory) -> TLSMemoryBIOFactory:
    """Wrap *client* in TLS that asks nothing of the certificate: it connects to nobody but ourselves."""
    return TLSMemoryBIOFactory(CertificateOptions(), True, client)


def _no_pool(function: Any, *args: Any) -> Any:
    """Never called: no handler of the look at ourselves is threaded."""
    raise NotImplementedError
