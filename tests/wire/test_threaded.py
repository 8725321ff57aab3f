"""Threaded handlers in a real pool: beside the reactor, and in order for each connection."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from sgcws.carrier import Carrier
from sgcws.events import Events
from sgcws.interfaces import Connection
from sgcws.realtime.connection import Peer
from sgcws.realtime.inbox import MOST_MESSAGES
from sgcws.realtime.shared import Shared
from sgcws.values import TransportKind
from tests.support import FakeFraming

MESSAGES = 100


class ThreadedTests(TestCase):
    """Connections whose messages are handled in a pool of four threads."""

    timeout = 20

    def setUp(self) -> None:
        """Have a pool and two connections."""
        self.pool = ThreadPool(4, 4, "handlers")
        self.pool.start()
        self.addCleanup(self.pool.stop)
        self.events = Events(self.in_pool, Logger())
        clock: Any = reactor
        self.shared = Shared(clock=clock, carrier=Carrier(clock), events=self.events)
        self.peers = [self.open_peer(), self.open_peer()]

    def in_pool(self, function: Any, *args: Any) -> Deferred[Any]:
        """Run a function in the pool."""
        return deferToThreadPool(reactor, self.pool, function, *args)  # type: ignore[arg-type]

    def open_peer(self) -> Peer:
        """Return a peer that can take messages."""
        peer = Peer(self.shared, None, None, FakeFraming())
        peer.open(TransportKind.WEBSOCKET, FakeFraming(peer), FakeFraming())
        return peer

    async def finish(self) -> None:
        """End all connections, and wait until their last events are told."""
        gone = self.shared.registry.when_gone(self.peers)
        for peer in self.peers:
            peer.lost()
        await gone

    async def test_order(self) -> None:
        """Each connection's messages are handled one after the other and in order, the end last, all in threads."""
        seen: dict[str, list[str]] = defaultdict(list)
        inside: dict[str, int] = defaultdict(int)
        threads: set[int] = set()
        overlaps: list[str] = []

        @self.events.on_message(threaded=True)
        def handler(connection: Connection, text: str) -> None:
            inside[connection.guid] += 1
            overlaps.extend(["overlap"] * (inside[connection.guid] - 1))
            threads.add(threading.get_ident())
            seen[connection.guid].append(text)
            inside[connection.guid] -= 1

        @self.events.on_disconnect(threaded=True)
        def ended(connection: Connection, code: int, reason: str) -> None:
            seen[connection.guid].append("end")

        for number in range(MESSAGES):
            for peer in self.peers:
                peer.text_received(str(number), 1)
        await self.finish()
        expected = [*map(str, range(MESSAGES)), "end"]
        self.assertEqual([seen[peer.guid] for peer in self.peers], [expected, expected])
        self.assertEqual(overlaps, [])
        self.assertNotIn(threading.get_ident(), threads)

    async def test_beside_each_other(self) -> None:
        """The handlers of two connections run at the same time, and the reactor meanwhile."""
        both = threading.Barrier(2)
        met: list[int] = []

        @self.events.on_message(threaded=True)
        def handler(connection: Connection, text: str) -> None:
            met.append(both.wait(timeout=10))

        for peer in self.peers:
            peer.text_received("a", 1)
        await self.finish()
        self.assertEqual(sorted(met), [0, 1])

    async def test_the_reactor_goes_on(self) -> None:
        """A handler that blocks holds up its own connection, whose peer is paused in the end, and nothing else."""
        release = threading.Event()
        self.addCleanup(release.set)

        @self.events.on_message(threaded=True)
        def handler(connection: Connection, text: str) -> None:
            release.wait(timeout=10)

        blocked, other = self.peers
        framing: Any = blocked.holder
        for number in range(MOST_MESSAGES + 1):
            blocked.text_received(str(number), 1)
        turned: Deferred[None] = Deferred()
        reactor.callLater(0, turned.callback, None)  # type: ignore[attr-defined]
        await turned
        self.assertEqual(framing.done, [("pause",)])
        self.assertTrue(other.write_data("still here"))
        release.set()
        await self.finish()
