"""Promises of `sgcws.realtime.shared`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from sgcws.options import HeartbeatOptions, ListenOptions, ServerOptions
from sgcws.realtime.shared import Shared
from tests.support import World


class SharedTests(SynchronousTestCase):
    """What a server's peers share is its own."""

    def test_two_servers(self) -> None:
        """Two servers share no registry, and the names of their peers cannot be guessed from each other."""
        world = World()
        first, second = (
            Shared(clock=world.reactor, carrier=world.shared.carrier, events=world.events) for _ in range(2)
        )
        self.assertIsNot(first.registry, second.registry)
        guids = {each.new_guid() for each in (first, second) for _ in range(100)}
        self.assertEqual(len(guids), 200)
        for guid in guids:
            self.assertRegex(guid, "^[0-9a-f]{32}$")

    def test_memory(self) -> None:
        """What waits is accounted for within the limit of the options, and of other options from then on."""
        world = World()
        self.assertEqual(world.shared.memory.limit, world.shared.options.listen.memory_limit)
        world.shared.options = ServerOptions(listen=ListenOptions(memory_limit=1024**2))
        self.assertEqual(world.shared.memory.limit, 1024**2)

    def test_everybody_counts(self) -> None:
        """One that cannot take messages yet may be thrown out, too, when it holds most."""
        world = World()
        world.shared.options = ServerOptions(listen=ListenOptions(memory_limit=1024**2), heartbeat=None)
        plain = world.peer()
        plain.hold(1024**2 + 1)
        self.assertEqual(plain.holder.done, [("abort",)])  # type: ignore[attr-defined]

    def test_heartbeat(self) -> None:
        """Peers have a heartbeat by today's options, each time that it is looked at."""
        world = World()
        _, framing = world.open_peer()
        world.reactor.advance(1000)
        self.assertEqual(framing.done, [])
        world.shared.options = ServerOptions(heartbeat=HeartbeatOptions(interval=10))
        _, framing = world.open_peer()
        world.reactor.advance(10)
        world.reactor.advance(1)
        self.assertEqual([name for name, *_ in framing.done], ["ping"])
        for peer in world.shared.registry.everyone():
            peer.disconnect()
