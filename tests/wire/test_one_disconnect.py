"""Every connect has exactly one disconnect, whichever way a connection ends, on real sockets."""

from __future__ import annotations

import json
import signal
import socket
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.cases.frames import BINARY, CONTINUATION, PING, TEXT, close, frame
from tests.wire.attacked import MIB, ROOT, AttackedTestCase
from tests.wire.attacks import Attacker, open_socket, quick, upgrade
from tests.wire.program import Program, until

SHORT = {
    "max_message_size": MIB,
    "close_timeout": 0.2,
    "outgoing": {"high_water": 65536, "limit": 262144},
    "max_control_frames": 50,
}

SEVERAL = 2
"""How many connections end in each way."""

EVENTS = b"GET /sgcws/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"


class WaysTests(AttackedTestCase):
    """Ways to end, one after the other, on one server."""

    def setUp(self) -> None:
        """Start the server."""
        self.serve(websocket=SHORT, fallback={"server_sent_events": {}})
        self.begun = 0
        self.expected: Counter[str] = Counter()

    def ends(self, code: int, end: Callable[[Attacker], object]) -> None:
        """Let some connections end in one way; each has one disconnect, with *code*."""
        for _ in range(SEVERAL):
            end(self.attacker())
        self.check(code, end)

    def raw_ends(self, code: int, end: Callable[[socket.socket, str], object], deaf: bool = False) -> None:
        """The same for connections that speak raw TCP."""
        for _ in range(SEVERAL):
            end(*self.raw(deaf))
        self.check(code, end)

    def check(self, code: int, end: object) -> None:
        """Wait until they have ended, and check how."""
        self.left()
        self.begun += SEVERAL
        self.expected[str(code)] += SEVERAL
        heard = self.heard()
        self.assertEqual(heard["ended"], self.expected, end)
        self.assertEqual(heard["connected"], self.begun + 1, end)
        self.assertEqual(heard["twice"], [], end)

    def raw(self, deaf: bool = False) -> tuple[socket.socket, str]:
        """Connect one that speaks raw TCP; with its guid."""
        client = open_socket(self.port, tls=self.tls, deaf=deaf)
        self.addCleanup(client.close)
        client.sendall(b"RAW\r\n")
        guid = client.recv(100).decode()
        return client, guid

    # By the client.

    def test_client(self) -> None:
        """The client ends it: with a goodbye, without one, by force, and in the midst of something."""
        self.ends(1000, lambda one: one.send(close(1000)).ending())
        self.ends(4002, lambda one: one.send(close(4002, b"that was all")).ending())
        self.ends(1005, lambda one: one.send(close()).ending())
        self.ends(4003, lambda one: one.send(close(4003)).reset())
        self.ends(4004, lambda one: one.send(close(4004) + close(4005)).ending())
        self.ends(1006, Attacker.close)
        self.ends(1006, Attacker.reset)
        self.ends(1006, ends_its_half)
        self.ends(1006, lambda one: one.send(quick(TEXT, b"half", size=10)).close())
        self.ends(1006, lambda one: one.send(quick(TEXT, b"half", fin=False)).reset())
        self.ends(1006, lambda one: one.say("/push 3 65536").reset())
        self.ends(1006, lambda one: one.send(quick(BINARY, bytes(MIB))).reset())

    def test_protocol_error(self) -> None:
        """The client breaks a rule, and then closes, or does not."""
        for code, wrong in (
            (1002, frame(TEXT, b"not masked", mask=None)),
            (1002, quick(CONTINUATION, b"of nothing")),
            (1007, quick(TEXT, b"\xff")),
            (1008, quick(PING) * 200),
            (1009, quick(BINARY, size=MIB + 1)),
        ):
            self.ends(code, partial(breaks, wrong, Attacker.ending))
            self.ends(code, partial(breaks, wrong, Attacker.hears_goodbye))
            self.ends(code, partial(breaks, wrong, lambda one: one.hears_goodbye().reset()))

    def test_server(self) -> None:
        """The server ends it: with a goodbye that is answered, or not, or crossed by another, and at once."""
        self.ends(4000, lambda one: self.tell("close", one).hears_goodbye().send(close(4000)))
        self.ends(4000, lambda one: self.tell("close", one).ending())
        self.ends(4000, lambda one: self.tell("close", one).hears_goodbye().reset())
        self.ends(4000, lambda one: self.tell("close", one, "close"))
        self.ends(4006, self.crosses)
        self.ends(1006, lambda one: self.tell("disconnect", one))
        self.ends(4000, lambda one: self.tell("close", one, "disconnect"))

    def tell(self, command: str, one: Attacker, *more: str) -> Attacker:
        """Have the server do something to a connection, which is returned."""
        guid = self.guid_of(one)
        for each in (command, *more):
            self.control.send(f"/{each} {guid}")
        return one

    def crosses(self, one: Attacker) -> None:
        """Let two goodbyes cross: that of the client goes out before that of the server has come."""
        guid = self.guid_of(one)
        self.control.send("/block 0.1")
        self.control.send(f"/close {guid}")
        one.send(quick(TEXT, b"before") + close(4006)).ending()

    def test_slow(self) -> None:
        """The client does not read what it is sent, nor that it is to go."""
        for _ in range(SEVERAL):
            self.attacker(deaf=True).say("/push 30 65536")
        self.check(1008, "slow")

    def test_failing_handshakes(self) -> None:
        """Who never got in has neither a connect nor a disconnect."""
        for data in (b"", b"GET / HT", upgrade()[:-2], upgrade("/fail"), upgrade("/", "Sec-WebSocket-Version: 12")):
            for reset in (False, True):
                client = open_socket(self.port, tls=self.tls)
                client.sendall(data)
                hang_up(client, reset)
        self.assertEqual((self.heard()["connected"], self.heard()["ended"]), (1, {}))

    def test_gone_at_once(self) -> None:
        """Who is gone when the answer to its handshake is written has one disconnect, if it has a connect."""
        for reset in (False, True) * 20:
            client = open_socket(self.port, tls=self.tls)
            client.sendall(upgrade() + quick(TEXT, b"hello"))
            hang_up(client, reset)
        self.left()
        self.assertEqual(self.heard()["twice"], [])

    # Those that do not speak WebSocket.

    def test_raw_tcp(self) -> None:
        """Raw TCP ends in each way that it has."""
        self.raw_ends(1006, lambda one, guid: one.close())
        self.raw_ends(1006, lambda one, guid: hang_up(one, True))
        self.raw_ends(1006, lambda one, guid: one.shutdown(socket.SHUT_WR))
        self.raw_ends(1006, lambda one, guid: hang_up(sent(one, b"half"), False))
        self.raw_ends(4000, lambda one, guid: self.control.send(f"/close {guid}"))
        self.raw_ends(1006, lambda one, guid: self.control.send(f"/disconnect {guid}"))
        self.raw_ends(1008, lambda one, guid: one.sendall(b"/push 30 65536\r\n"), deaf=True)

    def test_events(self) -> None:
        """Server-Sent Events end in each way that they have."""
        for reset in (False, True):
            for _ in range(SEVERAL):
                hang_up(self.stream(), reset)
            self.check(1006, "an event stream")

    def stream(self) -> socket.socket:
        """Connect one that listens to events."""
        client = open_socket(self.port, tls=self.tls)
        self.addCleanup(client.close)
        client.sendall(EVENTS)
        self.assertIn(b"text/event-stream", client.recv(4096))
        return client

    # All of them at once.

    def everybody(self) -> int:
        """Connect one of each kind, in each state that a connection can be in; return how many have a connect."""
        idle, deaf, leaving, midway = (self.attacker(deaf=deaf) for deaf in (False, True, False, False))
        deaf.say("/push 3 65536")
        self.tell("close", leaving)
        leaving.hears_goodbye()
        midway.send(quick(TEXT, b"half", fin=False))
        raw, _ = self.raw()
        self.stream()
        plain = open_socket(self.port, tls=self.tls)
        self.addCleanup(plain.close)
        plain.sendall(b"GET / HT")
        self.assertEqual((idle.head[9:12], raw.fileno() > 0), ("101", True))
        return 6

    def test_disconnect_all(self) -> None:
        """``disconnect_all`` ends all of them, the one who asked for it, too."""
        count = self.everybody()
        self.control.send("/disconnect_all")
        self.control = self.client()
        self.left()
        self.one_each(self.heard(), count + 1, {"4000", "4001"})

    def test_restart(self) -> None:
        """A restart ends all of them, and the server goes on counting."""
        count = self.everybody()
        self.control.send("/restart")
        self.port = int(until(lambda: self.program.err.count("listening on") == 2 and self.last_port()))
        self.control = self.client()
        self.left()
        self.one_each(self.heard(), count + 1, {"4000", "1001"})

    def last_port(self) -> str:
        """Return the port that was told last."""
        return self.program.err.rpartition("listening on")[2].partition("/\n")[0].rpartition(":")[2]

    def test_stop(self) -> None:
        """So does a stop, before it is over."""
        count = self.everybody()
        self.program.signal(signal.SIGTERM)
        told = json.loads(self.program.says(r"told (.*)\n"))
        self.assertEqual(self.program.ended(), 0)
        self.one_each(told, count + 1, {"4000", "1001"})

    def one_each(self, heard: dict[str, Any], count: int, codes: set[str]) -> None:
        """Check that so many have ended, once each, with codes of these."""
        self.assertEqual((sum(heard["ended"].values()), heard["twice"]), (count, []))
        self.assertEqual(heard["ended"].keys(), codes)

    def test_killed(self) -> None:
        """A client process that is killed ends all its connections, those with something to read, too."""
        words = (str(self.port), "50", "20", "10", *(["tls"] if self.tls else []))
        crowd = Program(self, "-m", "tests.wire.crowd", *words, path=ROOT)
        crowd.says("ready")
        self.ask("/broadcast news 1 65536")
        crowd.signal(signal.SIGKILL)
        self.left()
        self.assertEqual((self.heard()["ended"], self.heard()["twice"]), ({"1006": 50}, []))


class WaysOverTLSTests(WaysTests):
    """The same over TLS."""

    tls = True


class HeartbeatTests(AttackedTestCase):
    """Ways to end that need a heartbeat."""

    def test_silent(self) -> None:
        """Who does not answer pings is dropped, in the midst of a message or of a goodbye, too."""
        self.serve(heartbeat={"interval": 0.3, "timeout": 0.3}, websocket={"close_timeout": 5.0})
        self.attacker()
        self.attacker().send(quick(TEXT, b"half", fin=False))
        self.control.send(f"/close {self.guid_of(self.attacker())}")
        self.left()
        self.assertEqual((self.heard()["ended"], self.heard()["twice"]), ({"1006": 2, "4000": 1}, []))


def breaks(wrong: bytes, after: Callable[[Attacker], object], one: Attacker) -> None:
    """Send what is wrong, and do something after that."""
    after(one.send(wrong))


def ends_its_half(one: Attacker) -> None:
    """Send the end of the stream, and read on."""
    one.socket.shutdown(socket.SHUT_WR)
    one.ending()


def sent(client: socket.socket, data: bytes) -> socket.socket:
    """Send some bytes, and return the socket."""
    client.sendall(data)
    return client


def hang_up(client: socket.socket, reset: bool) -> None:
    """Close a socket, with a reset or without."""
    if reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
