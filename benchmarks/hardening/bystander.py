"""
A client that asks for an echo and for a page, in turns, all the while, and notes how long it waits.

``python bystander.py PORT PATH [tls]``: it writes ``ready``, goes on until its standard input ends, and then writes
what it saw as JSON: how often it asked, its waits' 50th and 99th percentile and the longest, in seconds, and how often
it was lost.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
import time
from contextlib import suppress
from statistics import quantiles

PATIENCE = 60.0
PAUSE = 0.004
"""Seconds between an answer and the next question."""

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
QUESTION = b"\x81\x85" + bytes(4) + b"hello"
ANSWER = b"\x81\x05hello"
PAGE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Lost(Exception):
    """The server has closed."""


class Bystander:
    """
    Two connections, one for the echo and one for the page.

    Attributes:
        waits: Seconds that each answer took.
        lost: How often the server closed one of them.
    """

    def __init__(self, port: int, path: str, tls: bool) -> None:
        self.port = port
        self.path = path
        self.tls = tls
        self.waits: list[float] = []
        self.lost = 0
        self.connect()

    def connect(self) -> None:
        """Connect both."""
        self.socket, self.web = self.open(), self.open()
        self.socket.sendall(UPGRADE.format(path=self.path).encode())
        self.head(self.socket)

    def open(self) -> socket.socket:
        """Connect one."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.tls:
            return client
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(client)

    def ask(self) -> None:
        """Ask for an echo and for a page."""
        self.wait_for(self.echo)
        self.wait_for(self.page)

    def wait_for(self, answer: object) -> None:
        """Note how long an answer takes."""
        assert callable(answer)
        begun = time.perf_counter()
        try:
            answer()
        except (OSError, Lost):
            self.lost += 1
            with suppress(OSError, Lost):
                self.connect()
        self.waits.append(time.perf_counter() - begun)

    def echo(self) -> None:
        """Have an echo."""
        self.socket.sendall(QUESTION)
        self.read(self.socket, len(ANSWER))

    def page(self) -> None:
        """Have a page."""
        self.web.sendall(PAGE)
        head = self.head(self.web).lower()
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        self.read(self.web, int(length.partition(b":")[2]))

    def head(self, client: socket.socket) -> bytes:
        """Read a head."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(client, 1)
        return head

    def read(self, client: socket.socket, count: int) -> bytes:
        """Read so many bytes."""
        data = b""
        while len(data) < count:
            piece = client.recv(count - len(data))
            if not piece:
                raise Lost
            data += piece
        return data


def main(port: str, path: str, tls: str = "") -> None:
    """Ask until the input ends."""
    bystander = Bystander(int(port), path, bool(tls))
    for _ in range(20):
        bystander.ask()
    bystander.waits.clear()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        bystander.ask()
    bystander.ask()
    p50, p99 = (quantiles(bystander.waits, n=100, method="inclusive")[at] for at in (49, 98))
    seen = {"asked": len(bystander.waits), "p50": p50, "p99": p99, "max": max(bystander.waits), "lost": bystander.lost}
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
