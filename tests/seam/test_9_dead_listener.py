"""Seam 9: a listening socket that dies."""

from __future__ import annotations

from twisted.internet.error import ConnectionLost
from twisted.internet.tcp import Port
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from sgcws import WebSocketHTTPServer
from tests.memory import Reactor


class DeadListenerTests(SynchronousTestCase):
    """A listener that goes away without having been asked."""

    def test_stock(self) -> None:
        """Twisted tells its factory to stop, as if it had been asked, and nobody else."""
        stopped: list[Site] = []
        site = Site(Resource(), reactor=MemoryReactorClock())
        site.noisy = False
        self.patch(site, "stopFactory", lambda: (Site.stopFactory(site), stopped.append(site)))
        port = Port(0, site, interface="127.0.0.1", reactor=MemoryReactorClock())
        port.startListening()
        self.assertEqual(stopped, [])
        port.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(stopped, [site])

    def test_ours(self) -> None:
        """Here that is the signal to listen again."""
        reactor = Reactor()
        server = WebSocketHTTPServer(8080, reactor=reactor)
        self.successResultOf(server.start())
        reactor.open[8080].die()
        self.assertEqual(reactor.open, {})
        reactor.advance(server.options.watchdog.interval)
        self.assertEqual(list(reactor.open), [8080])
        self.assertTrue(server.active)

    def test_deliberate(self) -> None:
        """A stop on purpose is none."""
        reactor = Reactor()
        server = WebSocketHTTPServer(8080, reactor=reactor)
        self.successResultOf(server.start())
        self.successResultOf(server.stop())
        reactor.advance(1000)
        self.assertEqual(reactor.open, {})
