"""Promises of `sgcws.realtime.channels`: names with those who are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.channels import Channels
from tests.members import Crowd


class ChannelsTests(SynchronousTestCase):
    """A mapping of channels to connections."""

    def setUp(self) -> None:
        """Have two channels."""
        self.crowd = Crowd()
        self.channels = Channels(self.crowd.registry)
        self.ann, self.bob = self.crowd.come("ann", "bob")
        for name, member in (("news", self.bob), ("news", self.ann), ("sport", self.bob)):
            self.join(name, member)

    def join(self, name: str, member: Any) -> None:
        """Subscribe."""
        self.crowd.registry.channels.join(name, member.guid)

    def test_mapping(self) -> None:
        """It is a mapping of the channels that have somebody to tuples of connections, in the order of joining."""
        both = {"news": (self.bob, self.ann), "sport": (self.bob,)}
        self.assertEqual(dict(self.channels), both)
        self.assertEqual(self.channels, both)
        self.assertEqual((len(self.channels), list(self.channels)), (2, ["news", "sport"]))
        self.assertEqual(list(self.channels.values()), list(both.values()))
        self.assertEqual(list(self.channels.items()), list(both.items()))
        self.assertEqual(list(self.channels.keys()), list(both))
        self.assertIn("news", self.channels)
        self.assertEqual(repr(self.channels), "<Channels: 2>")

    def test_nobody_there(self) -> None:
        """A channel that nobody is in is not there; asked for, it is empty, and asking does not make it."""
        self.assertEqual(self.channels["nothing"], ())
        self.assertNotIn("nothing", self.channels)
        self.assertIsNone(self.channels.get("nothing"))
        self.assertEqual(self.channels.get("nothing", ()), ())
        self.assertEqual(self.channels.get("sport", ()), (self.bob,))
        self.assertEqual(len(self.channels), 2)

    def test_always_of_now(self) -> None:
        """It follows what happens; what it gave does not."""
        news = self.channels["news"]
        self.bob.go()
        self.assertEqual(dict(self.channels), {"news": (self.ann,)})
        self.join("chess", self.ann)
        self.assertEqual(list(self.channels), ["news", "chess"])
        self.assertEqual(news, (self.bob, self.ann))

    def test_change_while_iterating(self) -> None:
        """It can be iterated in each way while people come and go, and gives those of the beginning."""
        views: tuple[Callable[[Channels], Any], ...] = (iter, Channels.keys, Channels.values, Channels.items)
        for view in views:
            before, seen = len(self.channels), 0
            for _ in view(self.channels):
                seen += 1
                for member in self.crowd.registry.messaging():
                    member.go()  # type: ignore[attr-defined]
                (member,) = self.crowd.come(f"new {seen}")
                self.join(f"new {seen}", member)
            self.assertEqual(seen, before)

    def test_read_only(self) -> None:
        """Nothing can be put in or taken out."""
        self.assertFalse(hasattr(self.channels, "__setitem__") or hasattr(self.channels, "__delitem__"))
