"""
Many WebSocket clients in one process.

``python -m tests.wire.crowd PORT COUNT SUBSCRIBERS DEAF [tls]``: COUNT clients connect. The first SUBSCRIBERS of them
subscribe to ``news``, and the first DEAF of these to ``deaf``, too; those read nothing after that. Then it writes
``ready``, and answers each line of its standard input with a line of JSON:

``came``
    How many messages each client has had, as a list of pairs: so many messages, so many clients. Without the deaf.
``ask NUMBER``
    Has the last NUMBER clients send a message each, and tells how many had an answer when all of them had, or 20
    seconds were over.
"""

from __future__ import annotations

import json
import resource
import select
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from tests.cases.frames import BINARY, TEXT
from tests.wire.attacks import ATTEMPT, Incoming, open_socket, quick, upgrade

WAVE = 200
"""Handshakes that are under way at once."""


class Client:
    """
    One of them.

    Attributes:
        socket: Its socket.
        incoming: What it has read.
    """

    def __init__(self, port: int, deaf: bool, tls: bool) -> None:
        self.socket = open_socket(port, deaf=deaf, tls=tls)
        self.socket.sendall(upgrade())
        self.socket.setblocking(False)
        self.incoming = Incoming()
        self._head: bytes | None = b""

    @property
    def opened(self) -> bool:
        """Whether its handshake is over."""
        return self._head is None

    def read(self) -> None:
        """Read what is there."""
        with suppress(BlockingIOError, ssl.SSLWantReadError):
            while data := self.socket.recv(1 << 18):
                self._take(data)
            raise ConnectionError("the server has closed")

    def _take(self, data: bytes) -> None:
        if self._head is None:
            self.incoming.feed(data)
            return
        head, end, rest = (self._head + data).partition(b"\r\n\r\n")
        self._head = None if end else head
        self.incoming.feed(rest)

    def say(self, text: str) -> None:
        """Send a text message."""
        self.socket.send(quick(TEXT, text.encode()))


def all_opened(clients: list[Client]) -> bool:
    """Whether the handshakes of all of them are over."""
    return all(client.opened for client in clients)


class Crowd:
    """All of them, and one place where they wait."""

    def __init__(self, port: int, count: int, subscribers: int, deaf: int, tls: bool) -> None:
        self._tls = tls
        self._poll = select.epoll()
        self._by_descriptor: dict[int, Client] = {}
        self.clients: list[Client] = []
        for start in range(0, count, WAVE):
            wave = [self._connect(port, number < deaf) for number in range(start, min(count, start + WAVE))]
            self.until(partial(all_opened, wave))
        self.deaf, self.hearing = self.clients[:deaf], self.clients[deaf:]
        self._subscribe("news", self.clients[:subscribers])
        self._subscribe("deaf", self.deaf)
        for client in self.deaf:
            self._poll.unregister(client.socket)

    def _connect(self, port: int, deaf: bool) -> Client:
        client = Client(port, deaf, self._tls)
        self.clients.append(client)
        self._by_descriptor[client.socket.fileno()] = client
        self._poll.register(client.socket, select.EPOLLIN)
        return client

    def _subscribe(self, channel: str, clients: list[Client]) -> None:
        before = {client: client.incoming.frames[TEXT] for client in clients}
        for client in clients:
            client.say(f"/subscribe {channel}")
        self.until(lambda: all(client.incoming.frames[TEXT] > before[client] for client in clients))

    def until(self, done: Callable[[], bool]) -> None:
        """Read until something is so, or time is over."""
        deadline = time.monotonic() + ATTEMPT
        while not done() and time.monotonic() < deadline:
            self._turn(0.1)

    def _turn(self, seconds: float) -> bool:
        """Read what is there; whether somebody wrote to the standard input."""
        ready = [descriptor for descriptor, _ in self._poll.poll(seconds)]
        for descriptor in ready:
            if descriptor:
                self._by_descriptor[descriptor].read()
        return 0 in ready

    def commands(self) -> Iterator[str]:
        """Yield line after line of the standard input, and read meanwhile."""
        self._poll.register(0, select.EPOLLIN)
        while True:
            if self._turn(1.0):
                line = sys.stdin.readline()
                if not line:
                    return
                self._poll.unregister(0)
                yield line.strip()
                self._poll.register(0, select.EPOLLIN)

    def came(self) -> list[tuple[int, int]]:
        """Tell how many clients have had how many messages."""
        return sorted(Counter(client.incoming.frames[BINARY] for client in self.hearing).items())

    def ask(self, number: str) -> int:
        """Have an echo for the last clients."""
        clients = self.clients[-int(number) :]
        before = {client: client.incoming.frames[TEXT] for client in clients}
        for client in clients:
            client.say("hello")
        self.until(lambda: all(client.incoming.frames[TEXT] > before[client] for client in clients))
        return sum(client.incoming.frames[TEXT] > before[client] for client in clients)


def main(port: str, count: str, subscribers: str, deaf: str, tls: str = "") -> None:
    """Connect, and do as told."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(int(port), int(count), int(subscribers), int(deaf), bool(tls))
    print("ready", flush=True)
    for line in crowd.commands():
        name, *words = line.split()
        print(json.dumps(getattr(crowd, name)(*words)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
