"""Promises of `sgcws.realtime.shared`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

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
