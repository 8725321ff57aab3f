"""Attacks over real sockets by peers that do not read, and by many; numbered as in `tests.wire.test_hardening`."""

from __future__ import annotations

import socket

from tests.cases.frames import BINARY, TEXT
from tests.wire.attacked import MIB, SLACK, TIMED, AttackedTestCase
from tests.wire.attacks import Attacker, open_socket, quick, repeated
from tests.wire.costs import resident
from tests.wire.program import PATIENCE, until


class UnreadTests(AttackedTestCase):
    """Attack 3: peers that do not read what they are sent."""

    def test_echo(self) -> None:
        """Who does not read its echoes is closed with 1008, and everything that it then reads is whole."""
        self.serve(websocket={"outgoing": {"high_water": 65536, "limit": 2 * MIB}})
        with self.growth_below(2 * MIB + SLACK), self.others_served(), self.descriptors_kept():
            attacker = self.attacker(deaf=True)
            attacker.flood(repeated(quick(BINARY, bytes(65536)), 100 * MIB), TIMED, reading=False)
            self.assertEqual(attacker.ending().code, 1008)
            self.assertFalse(attacker.incoming.broken)
            attacker.close()
        self.assertQuietLog()

    def test_pushed(self) -> None:
        """300 MB for a peer that never reads cost no more than the limit."""
        self.serve()
        with self.growth_below(16 * MIB + SLACK), self.others_served():
            attacker = self.attacker(deaf=True)
            attacker.say(f"/push 300 {MIB}")
            until(lambda: self.heard()["slow"])
            self.assertEqual(attacker.ending().code, 1008)
            self.assertFalse(attacker.incoming.broken)
        self.assertLess(self.heard()["taken"], 30)
        self.assertQuietLog()

    def test_never(self) -> None:
        """Who does not read its Close frame either is dropped when the time for that is over."""
        self.serve(websocket={"outgoing": {"high_water": 65536, "limit": 2 * MIB}, "close_timeout": 0.5})
        with self.descriptors_kept():
            attacker = self.attacker(deaf=True)
            attacker.say(f"/push 30 {MIB}")
            self.left()
            self.assertNotEqual(attacker.ending().how, "open")
            attacker.close()
        self.assertEqual(self.heard()["ended"], {"1008": 1})
        self.assertQuietLog()

    def test_broadcast(self) -> None:
        """A broadcast of 300 MB reaches who reads, and costs no more than the limit for each who does not."""
        self.serve(websocket={"outgoing": {"high_water": 65536, "limit": 4 * MIB}, "close_timeout": 0.5})
        reader, deaf = self.client(), [self.attacker(deaf=True) for _ in range(10)]
        self.assertEqual(self.ask("/subscribe news", reader), "subscribed")
        for attacker in deaf:
            attacker.say("/subscribe news").reads(1, TEXT)
        with self.growth_below(4 * MIB * 10 + SLACK), self.others_served():
            for _ in range(100):
                self.ask(f"/broadcast news 3 {MIB}")
                for _ in range(3):
                    self.assertEqual(len(reader.recv(PATIENCE)), MIB)
            self.left()
        self.assertEqual(self.heard()["ended"], {"1008": 10, "1000": 1})
        self.assertQuietLog()

    def test_tiny(self) -> None:
        """Messages of one octet by the hundred thousand cost no more than the limit, either."""
        self.serve()
        with self.growth_below(16 * MIB + SLACK), self.others_served():
            attacker = self.attacker(deaf=True)
            attacker.say("/burst 300000 1")
            self.assertEqual(attacker.ending().code, 1008)
            self.assertFalse(attacker.incoming.broken)
        self.assertQuietLog()

    def test_raw_tcp(self) -> None:
        """Who speaks raw TCP and does not read is held to the same limit."""
        self.serve(websocket={"close_timeout": 0.5})
        with self.growth_below(16 * MIB + SLACK), self.others_served():
            client = self.socket(b"RAW\r\n")
            client.sendall(f"/push 300 {MIB}\r\n".encode())
            until(lambda: self.heard()["slow"])
            self.left()
        self.assertEqual(self.heard()["ended"]["1008"], 1)
        self.assertQuietLog()

    def test_events(self) -> None:
        """So is who listens to Server-Sent Events, and does not."""
        self.serve(fallback={"server_sent_events": {}}, websocket={"close_timeout": 0.5})
        with self.growth_below(16 * MIB + SLACK), self.others_served():
            self.socket(b"GET /sgcws/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            self.ask(f"/broadcast events 40 {MIB}")
            until(lambda: self.heard()["slow"])
            self.left()
        self.assertEqual(self.heard()["ended"]["1008"], 1)
        self.assertQuietLog()

    def socket(self, data: bytes) -> socket.socket:
        """Connect one that speaks something else, reads the first answer to what it sends, and no more."""
        client = open_socket(self.port, tls=self.tls, deaf=True)
        self.addCleanup(client.close)
        client.sendall(data)
        client.recv(4096)
        return client

    def test_drop_oldest(self) -> None:
        """With ``drop_oldest`` the peer stays; every message comes whole and in order, or is told to be dropped."""
        attacker = self.kept("drop_oldest")
        self.assertEqual(attacker.incoming.order[-1][:8], (299).to_bytes(8))

    def test_drop_newest(self) -> None:
        """With ``drop_newest`` the peer stays, too, and has what came first."""
        attacker = self.kept("drop_newest")
        count = attacker.incoming.frames[BINARY]
        self.assertEqual([int.from_bytes(first[:8]) for first in attacker.incoming.order[:count]], list(range(count)))

    def test_conflate(self) -> None:
        """With ``conflate`` only the newest message of a key waits."""
        self.serve(websocket={"outgoing": {"high_water": 65536, "limit": 4 * MIB, "when_full": "conflate"}})
        with self.growth_below(4 * MIB + SLACK), self.others_served():
            attacker = self.attacker(deaf=True)
            attacker.say(f"/push 300 {MIB // 4} EURUSD")
            until(lambda: self.heard()["taken"] == 300)
            attacker.say("done")
            attacker.reads(1, TEXT)
        self.assertLess(attacker.incoming.frames[BINARY], 10)
        self.assertEqual(attacker.incoming.order[-2][:8], (299).to_bytes(8))
        self.assertFalse(attacker.incoming.broken)

    def kept(self, policy: str) -> Attacker:
        """Push 300 messages to a peer that reads only after that; what was dropped and what came are all of them."""
        self.serve(websocket={"outgoing": {"high_water": 65536, "limit": 4 * MIB, "when_full": policy}})
        with self.growth_below(4 * MIB + SLACK), self.others_served():
            attacker = self.attacker(deaf=True)
            attacker.say(f"/push 300 {MIB // 4}")
            until(lambda: self.heard()["dropped"] > 200)
            dropped = until(lambda: (now := self.heard()["dropped"]) == self.heard()["dropped"] and now)
            attacker.reads(300 - dropped)
        numbers = [int.from_bytes(first[:8]) for first in attacker.incoming.order[: 300 - dropped]]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(attacker.incoming.code, None)
        self.assertFalse(attacker.incoming.broken)
        self.assertQuietLog()
        return attacker


class UnreadTLSTests(UnreadTests):
    """The same over TLS."""

    tls = True


class ManyTests(AttackedTestCase):
    """Attack 7: many peers, idle or deaf."""

    def test_idle(self) -> None:
        """A thousand idle peers take some kilobytes each."""
        self.serve()
        with self.growth_below(1000 * 8_000), self.descriptors_kept():
            for attacker in [self.attacker() for _ in range(1000)]:
                attacker.close()
        self.left()

    def test_again_and_again(self) -> None:
        """What attackers took is given back: the tenth time costs no more than the first."""
        self.serve(websocket={"close_timeout": 0.2})
        sizes = []
        with self.descriptors_kept():
            for _ in range(10):
                attacker = self.attacker(deaf=True)
                attacker.say(f"/push 30 {MIB}")
                self.left()
                attacker.close()
                sizes.append(resident(self.pid))
        self.assertLess(sizes[-1] - sizes[0], 8 * MIB)

    def test_deaf(self) -> None:
        """Peers that never read stay below ``memory_limit`` together; those who hold most are sent away with 1013."""
        self.serve(listen={"memory_limit": 16 * MIB}, websocket={"close_timeout": 0.5})
        with self.growth_below(16 * MIB + 2 * SLACK), self.others_served(), self.descriptors_kept():
            attackers = self.deaf(200, "/push 1 131072") + self.deaf(20, f"/push 2 {4 * MIB}")
            until(lambda: self.heard()["taken"] >= 220)
            self.assertLess(self.heard()["buffered"], 16 * MIB)
            for attacker in attackers:
                attacker.close()
            self.left()
        self.assertGreater(self.heard()["ended"]["1013"], 20)
        self.assertQuietLog()

    def test_no_more_than_needed(self) -> None:
        """No more are sent away than have to be: one makes room for one."""
        self.serve(listen={"memory_limit": 8 * MIB}, websocket={"close_timeout": 0.5})
        for _ in range(100):
            self.deaf(1, "/push 1 131072")
            heard = self.heard()
            if heard["ended"]:
                self.assertGreater(heard["open"], 20)
        self.assertIn("1013", heard["ended"])

    def test_largest_first(self) -> None:
        """Who holds most goes first, and nobody else if that is enough."""
        self.serve(listen={"memory_limit": 16 * MIB}, websocket={"close_timeout": 0.5})
        small = self.deaf(40, "/push 1 131072")
        until(lambda: self.heard()["taken"] == len(small))
        self.deaf(1, f"/push 14 {MIB}")
        self.left(len(small))
        self.assertEqual(self.heard()["ended"], {"1013": 1})

    def deaf(self, count: int, command: str) -> list[Attacker]:
        """Connect some who do not read what they ask for."""
        attackers = [self.attacker(deaf=True) for _ in range(count)]
        for attacker in attackers:
            attacker.say(command)
        return attackers
