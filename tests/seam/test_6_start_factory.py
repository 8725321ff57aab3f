"""Seam 6: who starts the WebSocket's factory."""

from __future__ import annotations

from twisted.internet.protocol import Factory

from sgcws.websocket.factory import MessageFactory
from tests.stock import stock_factory, stock_site
from tests.web import ServerTestCase, upgrade


class StartFactoryTests(ServerTestCase):
    """A factory behind a resource."""

    def test_stock(self) -> None:
        """Nobody starts it: the port starts the Site, and Autobahn's resource only makes protocols."""
        started: list[object] = []
        factory = stock_factory(self)
        factory.startFactory = lambda: started.append(factory)
        port = self.server.listen(stock_site(factory, self.reactor))
        self.assertEqual(self.server.connect(port).ask(upgrade()).status, 101)
        self.assertEqual((started, factory.numPorts), ([], 0))

    def test_ours(self) -> None:
        """Nothing of ours hangs on it."""
        self.assertIs(MessageFactory.startFactory, Factory.startFactory)
        self.assertIs(MessageFactory.stopFactory, Factory.stopFactory)
        self.assertEqual(self.ask(upgrade()).status, 101)
