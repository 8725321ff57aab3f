"""Promises of `sgcws.realtime.broadcast`: the same message to everybody who passes the filters."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.broadcast import LONGEST_PING, broadcast, ping_all
from sgcws.realtime.connection import Peer
from tests.support import FakeFraming, World


class BroadcastTestCase(SynchronousTestCase):
    """Three peers, two of which speak ``chat``."""

    def setUp(self) -> None:
        """Let them come."""
        self.world = World()
        self.peers: list[Peer] = []
        self.framings: list[FakeFraming] = []
        for protocol in ("chat", None, "chat"):
            peer, framing = self.world.open_peer(protocol=protocol)
            self.peers.append(peer)
            self.framings.append(framing)
        self.world.peer()

    def taken(self) -> list[list[Any]]:
        """Return what each was sent, and forget it."""
        done = [list(framing.done) for framing in self.framings]
        for framing in self.framings:
            framing.done.clear()
        return done


class BroadcastTests(BroadcastTestCase):
    """A message goes to those it is for."""

    def send(self, data: Any = "x", protocol: str | None = None, include: Any = None, exclude: Any = ()) -> int:
        """Broadcast."""
        return broadcast(self.world.shared.registry, data, protocol, include, exclude)

    def test_everybody(self) -> None:
        """Without a filter all that can take messages get it, text as text and bytes as binary, encoded once."""
        self.assertEqual(self.send("é"), 3)
        sent = self.taken()
        self.assertEqual(sent, [[("text", "é".encode())]] * 3)
        self.assertIs(sent[0][0][1], sent[2][0][1])
        self.assertEqual(self.send(b"\xff"), 3)
        self.assertEqual(self.taken(), [[("binary", b"\xff")]] * 3)
        self.send(bytearray(b"b"))
        self.assertEqual(self.taken(), [[("binary", b"b")]] * 3)

    def test_filters(self) -> None:
        """Sub-protocol, those included and those excluded all count; exclusion wins, and empty is nobody."""
        first, second, third = (peer.guid for peer in self.peers)
        for given, reached in (
            ({"protocol": "chat"}, {0, 2}),
            ({"protocol": "other"}, set()),
            ({"include": [first, second]}, {0, 1}),
            ({"include": f"{first}, {second};nobody"}, {0, 1}),
            ({"include": ()}, set()),
            ({"include": ""}, set()),
            ({"exclude": [second]}, {0, 2}),
            ({"exclude": f"{second};{third}"}, {0}),
            ({"include": [first, second], "exclude": second}, {0}),
            ({"include": [first, second], "protocol": "chat"}, {0}),
            ({"include": iter([first, first])}, {0}),
        ):
            with self.subTest(given=given):
                self.assertEqual(self.send(**given), len(reached))
                self.assertEqual({number for number, done in enumerate(self.taken()) if done}, reached)

    def test_one_that_fails(self) -> None:
        """One broken peer is told to ``on_exception`` and stops nobody; it does not count."""
        self.world.listen("on_exception")
        self.framings[0].failing = True
        self.assertEqual(self.send(), 2)
        ((name, failure),) = self.world.told
        self.assertEqual((name, failure.type), ("exception", OSError))

    def test_those_that_are_leaving(self) -> None:
        """One that is closing gets nothing, and does not count."""
        self.peers[0].close()
        self.assertEqual(self.send(), 2)

    def test_no_message(self) -> None:
        """What is no message is refused, whoever is there."""
        self.assertRaises(TypeError, self.send, 5)
        self.assertRaises(UnicodeEncodeError, self.send, "\ud800")
        self.assertEqual(self.taken(), [[], [], []])


class PingTests(BroadcastTestCase):
    """A ping goes to all whose protocol has pings."""

    def test_everybody(self) -> None:
        """Those that were pinged are counted."""
        payload = bytes(LONGEST_PING)
        self.peers[0].close()
        self.taken()
        self.assertEqual(ping_all(self.world.shared.registry, payload), 2)
        self.assertEqual(self.taken(), [[], [("ping", payload)], [("ping", payload)]])

    def test_one_that_fails(self) -> None:
        """One broken peer stops nobody."""
        self.world.listen("on_exception")
        self.framings[1].failing = True
        self.assertEqual(ping_all(self.world.shared.registry, b""), 2)
        self.assertEqual([name for name, _ in self.world.told], ["exception"])

    def test_no_ping(self) -> None:
        """A payload that fits no control frame, or is no bytes, is refused."""
        self.assertRaises(ValueError, ping_all, self.world.shared.registry, bytes(LONGEST_PING + 1))
        self.assertRaises(TypeError, ping_all, self.world.shared.registry, "text")
