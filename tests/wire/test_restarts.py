"""Restarts under load, on real sockets: nothing is left behind, and everybody hears of the end once."""

from __future__ import annotations

import gc
import os
from collections import Counter
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from sgcws import Connection, WebSocketHTTPServer
from tests.wire.peer import Peer, connect
from tests.wire.program import free_port

CLIENTS = 50
RESTARTS = 20


class RestartsTests(TestCase):
    """One server, restarted again and again under clients that come back each time."""

    timeout = 60

    async def setUp(self) -> None:
        """Start the server, on a port that it has again after each restart."""
        self.connected: Counter[str] = Counter()
        self.disconnected: Counter[tuple[str, int, str]] = Counter()
        self.told: list[str] = []
        self.port = free_port()
        self.server = WebSocketHTTPServer(bindings=[f"tcp:{self.port}:interface=127.0.0.1"])
        self.server.on_connect(self.came)
        self.server.on_disconnect(self.went)
        self.server.on_startup(lambda: self.told.append("startup"))
        self.server.on_shutdown(lambda: self.told.append("shutdown"))
        self.server.on_message(self.echo)
        self.addCleanup(self.server.stop)
        await self.server.start()

    def came(self, connection: Connection) -> None:
        """Note a connection."""
        self.connected[connection.guid] += 1

    def went(self, connection: Connection, code: int, reason: str) -> None:
        """Note its end, after all connections have been noted and before the shutdown has."""
        self.disconnected[connection.guid, code, self.told[-1]] += 1

    async def echo(self, connection: Connection, text: str) -> None:
        """Send it back, in a later turn of the reactor."""
        await deferLater(reactor, 0)
        connection.write_data(text)

    async def clients(self) -> list[Peer]:
        """Connect all clients, and have an echo of each."""
        peers = await gatherResults([Deferred.fromCoroutine(connect(self.port)) for _ in range(CLIENTS)])
        await gatherResults([Deferred.fromCoroutine(peer.echo("hello")) for peer in peers])
        return peers

    def left(self) -> tuple[set[str], list[Any]]:
        """Return what is open: descriptors and delayed calls, but for the time-out of this test."""
        gc.collect()
        calls = [call for call in reactor.getDelayedCalls() if "onTimeout" not in str(call)]
        return set(os.listdir("/proc/self/fd")), calls

    async def turn(self) -> None:
        """Let the reactor turn, until what is closed on one end is closed on the other."""
        for _ in range(3):
            await deferLater(reactor, 0)

    async def test_clients_come_back(self) -> None:
        """Twenty restarts under fifty clients leave nothing, and each connection has one end, with 1001."""
        await self.server.stop()
        before, calls = self.left()
        self.assertEqual(calls, [])
        await self.server.start()
        for _ in range(RESTARTS):
            peers = await self.clients()
            for peer in peers[::2]:
                peer.say("half of them are in the midst of something")
            await self.server.restart()
            self.assertEqual(await gatherResults([peer.ended for peer in peers]), [1001] * CLIENTS)
        await self.server.stop()
        await self.turn()
        self.assertEqual(self.left(), (before, []))
        self.assertEqual(self.connected.total(), CLIENTS * RESTARTS)
        self.assertEqual(self.disconnected, Counter({(guid, 1001, "startup"): 1 for guid in self.connected}))
        self.assertEqual(self.told, ["startup", "shutdown"] * (RESTARTS + 2))

    async def test_many_ask_for_it(self) -> None:
        """Restarts that are asked for at the same time, under load, are one, and all who asked hear of its end."""
        peers = await self.clients()
        await gatherResults([self.server.restart() for _ in range(5)])
        self.assertEqual(self.told, ["startup", "shutdown", "startup"])
        await gatherResults([peer.ended for peer in peers])
        await self.clients()
        await self.server.stop()
        await self.turn()

    async def test_clients_that_connect_meanwhile(self) -> None:
        """Who connects in the midst of restarts gets in or is turned away; each that got in has one end."""
        for _ in range(5):
            restarted = self.server.restart()
            tries = [Deferred.fromCoroutine(connect(self.port)) for _ in range(20)]
            for attempt in tries:
                attempt.addErrback(lambda failure: failure.trap(Exception) and None)
            await restarted
            await gatherResults(tries)
        await self.server.stop()
        await self.turn()
        self.assertEqual({guid for guid, _, _ in self.disconnected}, set(self.connected))
        self.assertEqual(set(self.disconnected.values()) | {1}, {1})
