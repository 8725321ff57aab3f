"""Streams of events in memory: a client that reads one, and posts messages for it."""

from __future__ import annotations

import json
from typing import Any

from sgcws.options import FallbackOptions, ServerSentEvents
from sgcws.realtime.broadcast import broadcast
from tests.eventsource import EventSource, Heard
from tests.web import Answer, Server, ServerTestCase, request

__all__ = ["PATH", "StreamClient", "StreamTestCase"]

PATH = "/sgcws/events"


class StreamClient:
    """
    One client with its stream.

    Attributes:
        socket: The client's end.
        head: The answer without its body.
        opened: What the first event said.
        peer: The server's end.
    """

    def __init__(self, server: Server, *lines: str, version: str = "1.1", path: str = PATH) -> None:
        before = {peer.guid for peer in server.shared.registry.messaging()}
        self._server = server
        self._path = path
        self.socket = server.connect()
        self.source = EventSource()
        self._unread = b""
        self.socket.send(request(path, "Accept: text/event-stream", *lines, version=version))
        self.head, body = read_head(self.socket.received())
        self._chunked = self.head.header("Transfer-Encoding") == b"chunked"
        self.ended = False
        first, *self._heard = self.source.feed(self._read(body))
        assert first.name == "opened", first
        self.opened: dict[str, str] = json.loads(first.data)
        self.peer: Any
        (self.peer,) = (peer for peer in server.shared.registry.messaging() if peer.guid not in before)

    def events(self) -> list[Heard]:
        """Return the events that have come since the last time."""
        found = self._heard + self.source.feed(self._read(self.socket.received()))
        self._heard = []
        return found

    def hears(self) -> list[tuple[str, str]]:
        """Return the names and the data of the events that have come since the last time."""
        return [(event.name, event.data) for event in self.events()]

    def post(self, body: bytes, *lines: str, kind: str = "text/plain", **changed: str) -> Answer:
        """Send a message over a socket of its own; return the answer."""
        return self._server.connect().ask(self.message(body, *lines, kind=kind, **changed))

    def message(self, body: bytes, *lines: str, kind: str = "text/plain", **changed: str) -> bytes:
        """Write a message."""
        told = {**self.opened, **changed}
        who = (f"Sgcws-Connection: {told['guid']}", f"Sgcws-Secret: {told['secret']}", f"Content-Type: {kind}")
        return request(self._path, *who, *lines, method="POST", body=body)

    def _read(self, data: bytes) -> bytes:
        """Take the chunks off a body."""
        if not self._chunked:
            return data
        self._unread += data
        found = b""
        while b"\r\n" in self._unread:
            size, _, rest = self._unread.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            self.ended = length == 0
            found, self._unread = found + rest[:length], rest[length + 2 :]
        return found


def read_head(data: bytes) -> tuple[Answer, bytes]:
    """Read the head of an answer; return it, and what comes behind it."""
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, _, value = line.partition(b": ")
        headers.setdefault(name.lower(), []).append(value)
    _, status, reason = first.decode().split(" ", 2)
    return Answer(int(status), reason, headers, b""), rest


class StreamTestCase(ServerTestCase):
    """Tests that talk to a server which offers Server-Sent Events."""

    def serve(self, **groups: Any) -> Server:
        """Start one with other options."""
        return super().serve(**{"fallback": FallbackOptions(server_sent_events=ServerSentEvents()), **groups})

    def stream(self, *lines: str, **how: str) -> StreamClient:
        """Begin a stream."""
        return StreamClient(self.server, *lines, **how)

    def broadcast(self, data: str | bytes) -> int:
        """Send to everybody."""
        return broadcast(self.server.shared.registry, data)
