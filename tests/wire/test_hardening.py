"""
Attacks over real sockets: what an attacker gets, what the server pays, and that nobody else is hurt.

The numbers are those of ``docs/explanation/hardening.rst``; 3 and 7 are in ``test_unread.py``.
"""

from __future__ import annotations

import socket
import zlib
from collections import Counter

from tests.cases.frames import BINARY, CONTINUATION, PING, PONG, TEXT
from tests.wire.attacked import MIB, SLACK, TIMED, AttackedTestCase
from tests.wire.attacks import (
    Ending,
    bomb,
    bomb_frame,
    fragments_without_end,
    open_socket,
    quick,
    repeated,
    upgrade,
)
from tests.wire.program import PATIENCE

DEFLATE = "permessage-deflate"


def deflated(data: bytes) -> bytes:
    """Write a client's compressed message."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -9)
    return quick(BINARY, (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv=4)


class LargeTests(AttackedTestCase):
    """Attack 1: messages that are larger than may be."""

    def test_announced(self) -> None:
        """A frame that announces too much is refused at its header, before any of its payload has come."""
        self.serve()
        for size in (2**63 - 1, 900 * 10**6, 64 * MIB + 1):
            with self.growth_below(SLACK), self.others_served():
                attacker = self.attacker()
                attacker.send(quick(BINARY, size=size))
                self.assertEqual(attacker.ending(), Ending(1009, "closed"))
        self.assertEqual(self.heard()["errors"], {"1009": 3})
        self.assertQuietLog()

    def test_sent_nevertheless(self) -> None:
        """Who sends the payload nevertheless costs nothing, and is not read for long."""
        self.serve(websocket={"close_timeout": 0.5})
        with self.growth_below(SLACK), self.others_served(), self.descriptors_kept():
            attacker = self.attacker()
            attacker.send(quick(BINARY, size=900 * 10**6))
            attacker.flood(repeated(bytes(65536)), PATIENCE, reading=False)
            self.left()
            attacker.close()
        self.assertQuietLog()

    def test_largest(self) -> None:
        """A message of just the largest size is taken, whole and in fragments; one byte more is 1009."""
        self.serve(websocket={"max_message_size": MIB})
        attacker = self.attacker()
        attacker.send(quick(BINARY, bytes(MIB)))
        self.assertEqual(attacker.reads(1), 1)
        attacker.send(quick(BINARY, bytes(MIB // 2), fin=False) + quick(CONTINUATION, bytes(MIB // 2)))
        self.assertEqual(attacker.reads(2), 2)
        attacker.send(quick(BINARY, bytes(MIB // 2), fin=False))
        attacker.send(quick(CONTINUATION, size=MIB // 2 + 1))
        self.assertEqual(attacker.ending(), Ending(1009, "closed"))

    def test_endless(self) -> None:
        """Fragments without end are refused where they pass the largest message."""
        self.serve(websocket={"max_message_size": 8 * MIB})
        with self.growth_below(8 * MIB + SLACK), self.others_served():
            attacker = self.attacker()
            attacker.flood(fragments_without_end(bytes(16384)), PATIENCE)
            self.assertEqual(attacker.ending(), Ending(1009, "closed"))
        self.assertQuietLog()

    def test_slow_handler(self) -> None:
        """While the application takes its time for one message, no more are read than the inbox takes."""
        self.serve()
        with self.growth_below(SLACK), self.others_served():
            attacker = self.attacker()
            attacker.say("/wait 2")
            sent = attacker.flood(repeated(quick(BINARY, bytes(MIB)), 100 * MIB), TIMED)
            self.assertLess(sent, 20 * MIB)
        self.assertQuietLog()

    def test_unfinished(self) -> None:
        """Many who send a part of a large message each stay below ``memory_limit``: those with most are sent away."""
        self.serve(listen={"memory_limit": 16 * MIB}, websocket={"max_message_size": 8 * MIB})
        with self.growth_below(16 * MIB + SLACK), self.others_served():
            attackers = [self.attacker() for _ in range(20)]
            for attacker in attackers:
                attacker.flood([quick(BINARY, bytes(4 * MIB), fin=False)], PATIENCE)
            codes = Counter(attacker.ending(0.2).code for attacker in attackers)
            self.assertEqual(codes.keys(), {None, 1013})
            self.assertLessEqual(codes[None], 4)
        self.assertQuietLog()


class BombTests(AttackedTestCase):
    """Attack 2: messages that inflate to a thousand times their size."""

    def test_one(self) -> None:
        """Half a megabyte that inflates to 512 MiB is 1009, at the cost of a little of it."""
        self.serve()
        with self.growth_below(SLACK), self.others_served():
            attacker = self.attacker(offer=DEFLATE)
            self.assertIn(DEFLATE, attacker.head)
            attacker.send(bomb_frame(512 * MIB))
            self.assertEqual(attacker.ending().code, 1009)
        self.assertQuietLog()

    def test_sixteen(self) -> None:
        """Sixteen at once cost no more memory than one after the other."""
        self.serve()
        data = bomb_frame(512 * MIB)
        with self.growth_below(2 * SLACK), self.others_served():
            attackers = [self.attacker(offer=DEFLATE) for _ in range(16)]
            for attacker in attackers:
                attacker.send(data)
            self.assertEqual({attacker.ending().code for attacker in attackers}, {1009})
        self.assertQuietLog()

    def test_in_fragments(self) -> None:
        """A bomb in fragments is found out as well."""
        self.serve()
        data = bomb(512 * MIB)
        pieces = [data[start : start + 1024] for start in range(0, len(data), 1024)]
        frames = [quick(BINARY, pieces[0], fin=False, rsv=4), *(quick(0, piece, fin=False) for piece in pieces[1:])]
        with self.growth_below(SLACK), self.others_served():
            attacker = self.attacker(offer=DEFLATE)
            attacker.flood(frames, PATIENCE)
            self.assertEqual(attacker.ending().code, 1009)
        self.assertQuietLog()

    def test_size(self) -> None:
        """Where any ratio is allowed, the largest message still is the largest after inflation."""
        self.serve(websocket={"max_message_size": 8 * MIB, "compression": {"max_ratio": 100_000}})
        with self.growth_below(8 * MIB + SLACK), self.others_served():
            attacker = self.attacker(offer=DEFLATE)
            attacker.send(bomb_frame(512 * MIB))
            self.assertEqual(attacker.ending().code, 1009)
        self.assertQuietLog()

    def test_honest(self) -> None:
        """What is no bomb is taken: a mebibyte of zeros, and much text that compresses well."""
        self.serve()
        attacker = self.attacker(offer=DEFLATE)
        text = b"".join(b"line %d of a long log; " % number for number in range(200_000))
        for count, data in enumerate((bytes(MIB), text), 1):
            attacker.send(deflated(data))
            self.assertEqual(attacker.reads(count), count)
        self.assertEqual(self.heard()["errors"], {})


class TinyTests(AttackedTestCase):
    """Attack 4: frames that cost the sender nothing."""

    def attack(self, first: bytes, frame: bytes) -> None:
        """Send hundreds of thousands of a frame; it ends with 1008, and others are served meanwhile."""
        self.serve()
        with self.growth_below(SLACK), self.others_served():
            attacker = self.attacker()
            attacker.send(first)
            attacker.flood(repeated(frame, 300_000 * len(frame)), PATIENCE)
            self.assertEqual(attacker.ending().code, 1008)
        self.assertEqual(self.heard()["errors"], {"1008": 1})
        self.assertQuietLog()

    def test_pings(self) -> None:
        """Who sends more pings than allowed is closed with 1008."""
        self.attack(b"", quick(PING, b"ping"))

    def test_pongs(self) -> None:
        """Pongs that nobody asked for count, too."""
        self.attack(b"", quick(PONG))

    def test_empty_fragments(self) -> None:
        """So is who sends empty fragments."""
        self.attack(quick(TEXT, b"x", fin=False), quick(CONTINUATION, fin=False))

    def test_fragments_of_one_octet(self) -> None:
        """So is who sends a message octet by octet."""
        self.attack(quick(TEXT, b"x", fin=False), quick(CONTINUATION, b"x", fin=False))

    def test_fragments_of_two_octets(self) -> None:
        """So is who sends it two by two."""
        self.attack(quick(TEXT, b"x", fin=False), quick(CONTINUATION, b"xx", fin=False))

    def test_allowed(self) -> None:
        """A hundred pings and a message in five hundred fragments are nobody's crime."""
        self.serve()
        attacker = self.attacker()
        attacker.send(quick(PING, b"ping") * 100)
        self.assertEqual(attacker.reads(100, PONG), 100)
        attacker.send(quick(TEXT, b"x", fin=False) + quick(CONTINUATION, b"x", fin=False) * 500 + quick(CONTINUATION))
        self.assertEqual(attacker.reads(1, TEXT), 1)
        self.assertEqual(attacker.incoming.octets[TEXT], 501)

    def test_unread_pongs(self) -> None:
        """Where pings are not limited, pongs that nobody reads do not pile up: only the newest waits."""
        self.serve(websocket={"max_control_frames": 1_000_000})
        with self.growth_below(SLACK), self.others_served():
            attacker = self.attacker(deaf=True)
            attacker.flood(repeated(quick(PING, bytes(125)), 40 * MIB), TIMED, reading=False)
        self.assertQuietLog()

    def test_fair_share(self) -> None:
        """Nine thousand messages in one read do not all go before the one message of somebody else."""
        self.serve()
        attacker, blocker = self.attacker(), self.attacker()
        guid = self.guid_of(attacker)
        blocker.say("/block 0.5")
        attacker.send(quick(BINARY, b"x") * 9000)
        self.assertLess(int(self.ask(f"/received {guid}")), 9000)
        self.assertEqual(attacker.reads(9000), 9000)


class SilentTests(AttackedTestCase):
    """Attack 5: peers that begin, and say no more."""

    def test_half_handshakes(self) -> None:
        """Whatever part of a handshake has come, its socket is closed in time."""
        self.serve(http={"header_timeout": 0.5}, websocket={"open_timeout": 0.5})
        whole = upgrade()
        with self.growth_below(SLACK), self.others_served(), self.descriptors_kept():
            clients = [open_socket(self.port) for _ in range(200)]
            for number, client in enumerate(clients):
                client.sendall(whole[: number * (len(whole) - 1) // len(clients)])
            for client in clients:
                self.assertEqual(self.last_words(client)[:12] or b"HTTP/1.1 408", b"HTTP/1.1 408")
                client.close()
        self.assertQuietLog()

    def last_words(self, client: socket.socket) -> bytes:
        """Read until the server closes; what it says before."""
        client.settimeout(PATIENCE)
        try:
            return b"".join(iter(lambda: client.recv(4096), b""))
        except ConnectionError:
            return b""

    def test_vanished(self) -> None:
        """Peers that do not answer a ping are dropped; one that does stays."""
        self.serve(heartbeat={"interval": 0.5, "timeout": 0.5})
        with self.descriptors_kept():
            vanished = [self.attacker() for _ in range(50)]
            alive = self.client()
            self.left()
            for attacker in vanished:
                self.assertEqual(attacker.ending().code, None)
                self.assertGreaterEqual(attacker.incoming.frames[PING], 1)
                attacker.close()
            self.assertEqual(self.ask("hello", alive), "hello")
            alive.close()
        self.assertEqual(self.heard()["ended"], {"1006": 50, "1000": 1})
        self.assertQuietLog()

    def test_stuck_in_a_message(self) -> None:
        """A peer that vanished in the midst of a message is no exception."""
        self.serve(heartbeat={"interval": 0.5, "timeout": 0.5})
        for beginning in (quick(BINARY, bytes(100), fin=False), quick(BINARY, bytes(100), size=1000), b"\x82"):
            self.attacker().send(beginning)
        self.left()
        self.assertEqual(self.heard()["ended"], {"1006": 3})


class ExceptionTests(AttackedTestCase):
    """Attack 6: an application that fails."""

    def test_handshake(self) -> None:
        """A handshake in which the application fails is answered with 500, and not with why."""
        self.serve()
        attacker = self.attacker("/fail")
        self.assertRegex(attacker.head, r"\AHTTP/1.1 500 Internal Server Error\r\n")
        self.assertNotIn("nobody's", attacker.head + repr(attacker.socket.recv(4096)))

    def test_message(self) -> None:
        """A peer whose message makes the application fail is kept."""
        self.serve()
        attacker = self.attacker()
        attacker.say("/fail")
        attacker.say("hello")
        self.assertEqual(attacker.reads(1, TEXT), 1)
        self.assertEqual((self.heard()["exceptions"], self.heard()["open"]), (1, 2))

    def test_page(self) -> None:
        """A request in which the application fails is answered with 500, and not with why."""
        self.serve()
        client = open_socket(self.port)
        client.sendall(b"GET /fail HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        page = b"".join(iter(lambda: client.recv(4096), b""))
        client.close()
        self.assertTrue(page.startswith(b"HTTP/1.1 500 "), page)
        self.assertNotIn(b"nobody's", page)
