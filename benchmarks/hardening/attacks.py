"""The attacks, by the numbers of the list that ``docs/explanation/hardening.rst`` keeps."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from benchmarks.hardening.servers import SERVERS, Served
from tests.cases.frames import BINARY, CONTINUATION, PING, TEXT
from tests.wire.attacks import (
    Attacker,
    bomb_frame,
    fragments_without_end,
    open_socket,
    quick,
    repeated,
)
from tests.wire.costs import resident

__all__ = ["ATTACKS", "Attack", "Target"]

MIB = 1024**2
DEFLATE = "permessage-deflate"
FIRST = quick(TEXT, b"x", fin=False)
SHORT = {"heartbeat": {"interval": 1.0, "timeout": 1.0}, "http": {"header_timeout": 1.0}}
"""Time-outs that can be waited for."""


class Target(NamedTuple):
    """
    Whom to attack, and how hard.

    Attributes:
        served: The server.
        seconds: How long, at most.
        octets: How much is sent to it, or by it, at most.
        peers: How many connections the attacks with many have.
    """

    served: Served
    seconds: float
    octets: int
    peers: int

    def attacker(self, path: str = "", **how: Any) -> Attacker:
        """Connect an attacker."""
        return Attacker(self.served.port, self.served.path.rstrip("/") + (path or "/"), tls=self.served.tls, **how)

    @contextmanager
    def crowd(self, count: int, **how: Any) -> Iterator[list[Attacker]]:
        """Connect many."""
        attackers = [self.attacker(**how) for _ in range(count)]
        try:
            yield attackers
        finally:
            for attacker in attackers:
                attacker.close()


class Attack(NamedTuple):
    """
    One of them.

    Attributes:
        number: Which line of the list it belongs to.
        name: What it is called.
        run: Does it, and tells what the attacker got.
        options: Those of sgcws that are not the defaults.
        servers: Who is attacked.
        tls: Whether it is run over TLS, too.
        buffer: How many bytes the system keeps for each peer; empty leaves it to the system.
    """

    number: int
    name: str
    run: Callable[[Target], str]
    options: Mapping[str, Any] = {}
    servers: tuple[str, ...] = SERVERS
    tls: bool = False
    buffer: str = ""


def nothing(target: Target) -> str:
    """Attack nobody."""
    time.sleep(target.seconds)
    return "-"


def summary(endings: Iterable[object]) -> str:
    """Tell how many attackers ended in which way."""
    return ", ".join(f"{count:,} x {how}" for how, count in Counter(map(str, endings)).most_common())


def announced(size: int, target: Target) -> str:
    """Announce a large frame, and send it."""
    attacker = target.attacker()
    attacker.send(quick(BINARY, size=size))
    sent = attacker.flood(repeated(bytes(64 * 1024), min(size, target.octets)), target.seconds)
    return got(attacker, sent)


def endless(target: Target) -> str:
    """Send fragments of a message that never ends."""
    attacker = target.attacker()
    return got(attacker, attacker.flood(bounded(fragments_without_end(bytes(16384)), target.octets), target.seconds))


def bounded(pieces: Iterable[bytes], total: int) -> Iterator[bytes]:
    """Yield pieces until there are so many bytes of them."""
    for piece in pieces:
        yield piece
        total -= len(piece)
        if total <= 0:
            return


def got(attacker: Attacker, sent: int) -> str:
    """Tell how it ended, and how much had been sent by then."""
    ending = attacker.ending(1.0)
    attacker.close()
    return f"{ending} after {sent / 1e6:,.1f} MB"


def bombs(count: int, target: Target) -> str:
    """Send half a megabyte that inflates to 512 MB, on several connections at once."""
    data = bomb_frame(512 * MIB)
    with target.crowd(count, offer=DEFLATE) as attackers:
        for attacker in attackers:
            attacker.send(data)
        return summary(answer(attacker, 30.0) for attacker in attackers)


def answer(attacker: Attacker, seconds: float) -> str:
    """Tell what the server said to a message: that it is at an end, or the same again."""
    return "an echo" if attacker.reads(1, BINARY, seconds) else str(attacker.ending(1.0))


def unread_echo(target: Target) -> str:
    """Send messages to an echo, and do not read."""
    attacker = target.attacker(deaf=True)
    sent = attacker.flood(repeated(quick(BINARY, bytes(65536)), target.octets), target.seconds, reading=False)
    return got(attacker, sent)


def unread_pings(target: Target) -> str:
    """Send pings, and do not read the pongs."""
    attacker = target.attacker(deaf=True)
    sent = attacker.flood(repeated(quick(PING, bytes(125)), target.octets), target.seconds, reading=False)
    return got(attacker, sent)


def unread_push(target: Target) -> str:
    """Have large messages sent, and do not read."""
    attacker = target.attacker(deaf=True)
    attacker.say(f"/push {target.octets // MIB} {MIB}")
    time.sleep(target.seconds / 2)
    ending = attacker.ending(1.0)
    attacker.close()
    return f"{ending}, {attacker.incoming.octets[BINARY] / 1e6:,.1f} MB came"


def unread_broadcast(target: Target) -> str:
    """Be in a channel that large messages go to, and do not read, with nine others who do neither."""
    with target.crowd(10, deaf=True) as attackers:
        for attacker in attackers:
            attacker.say("/subscribe news")
            attacker.reads(1, TEXT)
        control = target.attacker()
        control.say(f"/broadcast news {target.octets // MIB // 10} {MIB}")
        time.sleep(target.seconds / 2)
        control.close()
        return summary(attacker.ending(1.0) for attacker in attackers)


def tiny(first: bytes, frame: bytes, target: Target) -> str:
    """Send tiny frames, and come back whenever the server has closed."""
    deadline = time.monotonic() + target.seconds
    endings, sent = [], 0
    while time.monotonic() < deadline:
        attacker = target.attacker()
        attacker.send(first)
        sent += attacker.flood(repeated(frame), deadline - time.monotonic())
        endings.append(attacker.ending(0.5))
        attacker.close()
    return f"{summary(endings)}, {sent // len(frame):,} frames"


def half_handshakes(target: Target) -> str:
    """Begin handshakes, and say no more."""
    sockets = []
    for number in range(target.peers):
        client = open_socket(target.served.port)
        client.sendall(b"GET / HTTP/1.1\r\nHost: local"[: number % 28])
        sockets.append(client)
    return gone(sockets, target.seconds + 1)


def vanished(target: Target) -> str:
    """Shake hands, and never answer again."""
    with target.crowd(target.peers) as attackers:
        return gone([attacker.socket for attacker in attackers], target.seconds + 1)


def gone(sockets: list[socket.socket], seconds: float) -> str:
    """Tell when the last of them was closed by the server."""
    begun = time.monotonic()
    left = 0
    for client in sockets:
        left += not closes(client, begun + seconds)
        client.close()
    if left:
        return f"{left:,} of {len(sockets):,} there after {seconds:.0f} s"
    return f"all gone after {time.monotonic() - begun:.1f} s"


def closes(client: socket.socket, deadline: float) -> bool:
    """Whether the server closes, in time."""
    try:
        while True:
            client.settimeout(max(0.001, deadline - time.monotonic()))
            if not client.recv(4096):
                return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def exceptions(target: Target) -> str:
    """Make the application fail in a handshake, in a message and in a request."""
    handshake = target.attacker("/fail")
    failing = target.attacker()
    failing.say("/fail")
    failing.say("hello")
    failing.reads(1, TEXT, 1.0)
    kept = "kept" if failing.incoming.frames[TEXT] else str(failing.ending(1.0))
    web = open_socket(target.served.port, tls=target.served.tls)
    web.sendall(b"GET /fail HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    page = b"".join(iter(partial(web.recv, 65536), b""))
    for one in (handshake, failing, web):
        one.close()
    texts = (handshake.head, page.decode("latin-1"))
    leaked = "the text is told" if any("nobody's" in text for text in texts) else "no text"
    return f"handshake {handshake.head[9:12]}, message {kept}, page {texts[1][9:12]}, {leaked}"


def idle(target: Target) -> str:
    """Connect many who stay."""
    before = resident(target.served.pid)
    with target.crowd(target.peers):
        time.sleep(0.5)
        return f"{(resident(target.served.pid) - before) / target.peers / 1000:.1f} kB each"


def never_read(target: Target) -> str:
    """Have half a megabyte sent to each of many who do not read."""
    with target.crowd(target.peers // 2, deaf=True) as attackers:
        for attacker in attackers:
            attacker.say("/push 8 65536")
        time.sleep(target.seconds)
        return summary(attacker.ending(0.01) for attacker in attackers)


ATTACKS = (
    Attack(0, "nobody attacks", nothing),
    Attack(1, "a frame that announces 2^63-1", partial(announced, 2**63 - 1)),
    Attack(1, "a frame of 900 MB", partial(announced, 900 * 10**6)),
    Attack(1, "fragments without end", endless),
    Attack(2, "a deflate bomb, 0.5 MB for 512 MB", partial(bombs, 1)),
    Attack(2, "16 of them at once", partial(bombs, 16), servers=("sgcws",)),
    Attack(3, "an echo that is not read", unread_echo, tls=True),
    Attack(3, "messages that are not read", unread_push, tls=True),
    Attack(3, "broadcasts that ten do not read", unread_broadcast, tls=True),
    Attack(4, "pings", partial(tiny, b"", quick(PING, b"ping"))),
    Attack(4, "pings, and nothing is read", unread_pings),
    Attack(4, "empty fragments", partial(tiny, FIRST, quick(CONTINUATION, fin=False))),
    Attack(4, "fragments of one octet", partial(tiny, FIRST, quick(CONTINUATION, b"x", fin=False))),
    Attack(4, "fragments of two octets", partial(tiny, FIRST, quick(CONTINUATION, b"xx", fin=False))),
    Attack(4, "messages of one octet", partial(tiny, b"", quick(BINARY, b"x"))),
    Attack(5, "half handshakes", half_handshakes, SHORT),
    Attack(5, "peers that have vanished", vanished, SHORT),
    Attack(6, "exceptions in handlers", exceptions),
    Attack(7, "idle peers", idle),
    Attack(7, "many who never read", never_read, {"listen": {"memory_limit": 64 * MIB}}, buffer="16384"),
)
