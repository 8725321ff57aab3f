"""Promises of `sgcws.realtime.registry`: who is connected, and when nobody is left."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.registry import Connections
from tests.members import Crowd
from tests.support import World


class RegistryTests(SynchronousTestCase):
    """Every socket is in it from its accept to its last event."""

    def setUp(self) -> None:
        """Have a registry with one plain peer and two that take messages."""
        self.world = World()
        self.registry = self.world.shared.registry
        self.plain = self.world.peer()
        self.first, _ = self.world.open_peer()
        self.second, _ = self.world.open_peer()

    def test_who_is_there(self) -> None:
        """Everyone is known, and among them those that can take messages."""
        self.assertEqual(self.registry.everyone(), (self.plain, self.first, self.second))
        self.assertEqual(self.registry.messaging(), (self.first, self.second))
        self.assertEqual(len(self.registry), 2)
        self.assertIs(self.registry.get(self.first.guid), self.first)
        self.assertIsNone(self.registry.get(self.plain.guid))
        self.assertEqual(self.registry.among([self.second.guid, self.plain.guid, "nobody"]), (self.second,))

    def test_leaving(self) -> None:
        """A peer whose socket is closed takes no messages, and is gone when its last event is told."""
        self.first.lost()
        self.assertEqual(self.registry.everyone(), (self.plain, self.second))
        self.assertEqual(self.registry.messaging(), (self.second,))

    def test_when_gone(self) -> None:
        """It tells when the last of some peers is gone, whoever else is there or comes."""
        some = self.registry.when_gone([self.plain, self.first])
        every = self.registry.when_gone(self.registry.everyone())
        self.first.lost()
        self.assertNoResult(some)
        self.plain.lost()
        self.successResultOf(some)
        self.world.open_peer()
        self.assertNoResult(every)
        self.second.lost()
        self.successResultOf(every)

    def test_gone_already(self) -> None:
        """Nobody, or nobody who is still there, is gone already."""
        self.successResultOf(self.registry.when_gone([]))
        self.first.lost()
        self.successResultOf(self.registry.when_gone([self.first]))

    def test_asking_again(self) -> None:
        """Who hears that all are gone may ask again at once."""
        again = []
        self.registry.when_gone([self.first]).addCallback(
            lambda _: again.append(self.registry.when_gone([self.second]))
        )
        self.first.lost()
        self.assertNoResult(again[0])
        self.second.lost()
        self.successResultOf(again[0])


class IndexTests(SynchronousTestCase):
    """It knows who speaks what, and who is in what."""

    def setUp(self) -> None:
        """Have three members, two of which speak ``chat``."""
        self.crowd = Crowd()
        self.registry = self.crowd.registry
        self.ann, self.bob = self.crowd.come("ann", "bob", protocol="chat")
        self.crowd.come("eve")

    def test_protocols(self) -> None:
        """Those that speak a sub-protocol are found by it, as long as they can take messages."""
        chat = self.registry.speaking("chat")
        self.assertEqual(list(chat), ["ann", "bob"])
        self.assertEqual(list(self.registry.speaking("other")), [])
        self.registry.closed(self.ann)
        self.assertEqual(list(chat), ["bob"])
        self.registry.closed(self.bob)
        self.assertEqual(list(self.registry.speaking("chat")), [])

    def test_guids(self) -> None:
        """The guids of all that can take messages follow what happens."""
        guids = self.registry.guids()
        self.ann.go()
        self.crowd.come("fay")
        self.assertEqual(list(guids), ["bob", "eve", "fay"])

    def test_leaving_everything(self) -> None:
        """Who can take no more messages is in nothing any more, and can join nothing."""
        for membership in (self.registry.channels, self.registry.groups):
            for name in ("a", "b"):
                self.assertTrue(membership.join(name, "ann"))
            membership.join("b", "bob")
        self.ann.go()
        self.ann.go()
        for membership in (self.registry.channels, self.registry.groups):
            self.assertEqual(membership.of("ann"), frozenset())
            self.assertEqual((list(membership.names()), membership.members("b")), (["b"], ("bob",)))
            self.assertFalse(membership.join("a", "ann"))

    def test_channels_and_groups(self) -> None:
        """A channel and a group of the same name have nothing to do with each other."""
        self.registry.channels.join("news", "ann")
        self.registry.groups.join("news", "bob")
        self.assertEqual(self.registry.channels.members("news"), ("ann",))
        self.assertEqual(self.registry.groups.members("news"), ("bob",))

    def test_plain(self) -> None:
        """One that cannot take messages yet cannot join, and nothing is amiss when it goes."""
        world = World()
        registry, peer = world.shared.registry, world.peer()
        self.assertFalse(registry.channels.join("news", peer.guid))
        peer.lost()
        self.assertEqual(registry.everyone(), ())

    def test_real_peers(self) -> None:
        """A peer whose socket is closed has left everything when its end is told."""
        world = World()
        registry = world.shared.registry
        peer, _ = world.open_peer(protocol="chat")
        left = []
        world.events.on_disconnect(lambda *_: left.append((len(registry.speaking("chat")), *registry.channels.names())))
        self.assertTrue(registry.channels.join("news", peer.guid))
        peer.lost()
        self.assertEqual(left, [(0,)])


class ConnectionsTests(SynchronousTestCase):
    """What applications see of it."""

    def setUp(self) -> None:
        """Have two peers that take messages, and one that does not."""
        self.world = World()
        self.connections = Connections(self.world.shared.registry)
        self.world.peer()
        self.first, _ = self.world.open_peer()
        self.second, _ = self.world.open_peer()

    def test_mapping(self) -> None:
        """It is a mapping of guids to those that can take messages."""
        both = {self.first.guid: self.first, self.second.guid: self.second}
        self.assertEqual(dict(self.connections), both)
        self.assertEqual((len(self.connections), list(self.connections)), (2, list(both)))
        self.assertEqual(list(self.connections.values()), list(both.values()))
        self.assertEqual(list(self.connections.items()), list(both.items()))
        self.assertEqual(set(self.connections.keys()), set(both))
        self.assertIn(self.first.guid, self.connections)
        self.assertIsNone(self.connections.get("nobody"))
        self.assertRaises(KeyError, lambda: self.connections["nobody"])
        self.assertEqual(repr(self.connections), "<Connections: 2>")

    def test_always_of_now(self) -> None:
        """It follows what happens."""
        self.first.lost()
        self.assertNotIn(self.first.guid, self.connections)
        self.world.open_peer()
        self.assertEqual(len(self.connections), 2)

    def test_change_while_iterating(self) -> None:
        """It can be iterated in each way while peers come and go, and gives those of the beginning."""
        views = (iter, Connections.keys, Connections.values, Connections.items)
        for before, view in zip((2, 1, 1, 1), views, strict=True):
            seen = 0
            for _ in view(self.connections):
                seen += 1
                for peer in self.world.shared.registry.messaging():
                    peer.lost()
                self.world.open_peer()
            self.assertEqual(seen, before)

    def test_read_only(self) -> None:
        """Nothing can be put in or taken out."""
        self.assertFalse(hasattr(self.connections, "__setitem__") or hasattr(self.connections, "__delitem__"))
