"""Seam 7: a listener that cannot be had."""

from __future__ import annotations

from twisted.application.internet import StreamServerEndpointService
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.trial.unittest import SynchronousTestCase

from sgcws import ListenError, WebSocketHTTPServer
from tests.memory import Reactor


class FailedListenTests(SynchronousTestCase):
    """A port that is taken."""

    def setUp(self) -> None:
        """Take it."""
        self.reactor = Reactor()
        self.reactor.taken.add(8080)

    def test_stock(self) -> None:
        """Twisted's service logs that it cannot listen, and calls itself started."""
        service = StreamServerEndpointService(TCP4ServerEndpoint(self.reactor, 8080), Factory())
        service.startService()
        self.assertTrue(service.running)
        self.assertEqual(len(self.flushLoggedErrors(CannotListenError)), 1)

    def test_ours(self) -> None:
        """Ours fails, names the port, and is not active."""
        server = WebSocketHTTPServer(8080, reactor=self.reactor)
        error = self.failureResultOf(server.start(), ListenError).value
        self.assertIn("8080", str(error))
        self.assertFalse(server.active)

    def test_ours_as_a_service(self) -> None:
        """As a service it fails where twistd listens for it."""
        server = WebSocketHTTPServer(8080, reactor=self.reactor)
        self.assertRaises(ListenError, server.privilegedStartService)
        self.assertFalse(server.active)
