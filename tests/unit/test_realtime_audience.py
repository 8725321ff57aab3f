"""Promises of `sgcws.realtime.audience`: a server speaks to one of its peers, to some, or to all."""

from __future__ import annotations

from typing import Any

from sgcws.interfaces import Connection
from sgcws.realtime.audience import Audience
from sgcws.values import Part, WhenFull
from tests.peers import PeerTestCase, options


class Speaker(Audience):
    """Who speaks to the peers of a world."""

    def __init__(self, world: Any) -> None:
        self._shared = world.shared
        self._carrier = world.shared.carrier


class AudienceTestCase(PeerTestCase):
    """Two open peers, and one that cannot take messages."""

    def setUp(self) -> None:
        """Let them come."""
        super().setUp()
        self.speaker = Speaker(self.world)
        self.ann, self.to_ann = self.world.open_peer(protocol="chat")
        self.bob, self.to_bob = self.world.open_peer()
        self.plain = self.world.peer()

    def sent(self) -> tuple[list[Any], list[Any]]:
        """Return what the two were sent since the last time."""
        found = [*self.to_ann.done], [*self.to_bob.done]
        self.to_ann.done.clear()
        self.to_bob.done.clear()
        return found


class LookingTests(AudienceTestCase):
    """Who is there."""

    def test_connections(self) -> None:
        """Those that can take messages are, by guid; it is always of now."""
        connections = self.speaker.connections
        self.assertEqual(dict(connections), {self.ann.guid: self.ann, self.bob.guid: self.bob})
        self.bob.lost()
        self.assertEqual(list(connections), [self.ann.guid])

    def test_channels(self) -> None:
        """The channels are shown with their subscribers."""
        self.ann.subscribe("news")
        self.assertEqual(dict(self.speaker.channels), {"news": (self.ann,)})

    def test_groups(self) -> None:
        """So are the groups, which the application fills."""
        self.speaker.groups.add("Room1", self.ann)
        self.assertEqual(dict(self.speaker.groups), {"Room1": (self.ann,)})
        self.assertEqual(self.speaker.groups.broadcast("Room*", "x"), 1)
        self.assertEqual(self.sent(), ([("text", b"x")], []))


class SpeakingTests(AudienceTestCase):
    """What is said to them."""

    def test_write_data(self) -> None:
        """One of them is written to by guid, in every form; nobody else is."""
        self.assertIs(self.speaker.write_data(self.ann.guid, "x"), True)
        self.assertIs(self.speaker.write_data(self.ann.guid, b"y", fragment_size=1), True)
        self.assertIs(self.speaker.write_data(self.ann.guid, "1", part=Part.FIRST), True)
        self.assertIs(self.speaker.write_data(self.ann.guid, "2", part=Part.LAST), True)
        self.assertEqual([name for name, *_ in self.to_ann.done], ["text", "binary", "part", "part"])
        self.assertEqual(self.to_bob.done, [])

    def test_write_data_with_a_key(self) -> None:
        """A key goes with it."""
        self.world.shared.options = options(when_full=WhenFull.CONFLATE)
        peer, framing = self.world.open_peer()
        framing.block()
        for text in "12":
            self.speaker.write_data(peer.guid, text, key="k")
        framing.unblock()
        self.assertEqual(framing.written, [b"2"])

    def test_nobody(self) -> None:
        """For a guid that nobody has, or one that cannot take messages, it is False, whatever is written."""
        self.bob.lost()
        for guid in ("nobody", self.plain.guid, self.bob.guid):
            self.assertIs(self.speaker.write_data(guid, "x"), False)
            self.assertIs(self.speaker.write_data(guid, 5), False)  # type: ignore[arg-type]

    def test_wrong(self) -> None:
        """What is wrong is an error as it is there."""
        self.assertRaises(TypeError, self.speaker.write_data, self.ann.guid, 5)
        self.assertRaises(ValueError, self.speaker.write_data, self.ann.guid, "x", fragment_size=0)

    def test_broadcast(self) -> None:
        """Every filter is heeded."""
        self.ann.subscribe("news")
        for filters, to_ann, to_bob in (
            ({}, True, True),
            ({"channel": "news"}, True, False),
            ({"channel": ["sports", "news"]}, True, False),
            ({"protocol": "chat"}, True, False),
            ({"include": [self.bob.guid]}, False, True),
            ({"exclude": self.bob.guid}, True, False),
        ):
            self.assertEqual(self.speaker.broadcast("x", **filters), to_ann + to_bob)  # type: ignore[arg-type]
            self.assertEqual(self.sent(), ([("text", b"x")] * to_ann, [("text", b"x")] * to_bob))

    def test_broadcast_forms(self) -> None:
        """So are the key and the size of fragments."""
        self.world.shared.options = options(when_full=WhenFull.CONFLATE)
        _, framing = self.world.open_peer()
        framing.block()
        for text in "12":
            self.assertEqual(self.speaker.broadcast(text, key="k"), 3)
        framing.unblock()
        self.assertEqual(framing.written, [b"2"])
        self.assertRaises(ValueError, self.speaker.broadcast, "x", fragment_size=0)

    def test_ping(self) -> None:
        """All are pinged whose protocol has pings, and counted."""
        self.to_bob.answers_pings = False
        self.assertEqual(self.speaker.ping(b"p"), 1)
        self.assertEqual(self.to_ann.done, [("ping", b"p")])
        self.assertRaises(ValueError, self.speaker.ping, b"x" * 126)

    def test_disconnect_all(self) -> None:
        """All are told to go, plain ones too, and those that could take messages are counted."""
        self.assertRaises(ValueError, self.speaker.disconnect_all, 1005)
        self.assertEqual(self.sent(), ([], []))
        self.assertEqual(self.speaker.disconnect_all(4000, "bye"), 2)
        self.assertEqual(self.sent(), ([("shut", 4000, "bye")],) * 2)
        self.assertEqual(self.plain.holder.done, [("shut", 4000, "bye")])  # type: ignore[attr-defined]

    def test_from_any_thread(self) -> None:
        """Whatever does something is carried over to the reactor's thread, here and at each peer."""
        for contract, made in ((Audience, Audience), (Connection, type(self.ann))):
            doings = [name for name, member in vars(contract).items() if name[0] != "_" and callable(member)]
            self.assertIn("write_data", doings)
            for name in doings:
                self.assertTrue(hasattr(getattr(made, name), "__wrapped__"), name)
