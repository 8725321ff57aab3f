"""
A server to be attacked: an echo that does what clients tell it, and counts what it hears.

``python -m tests.wire.target PORT [OPTIONS [BUFFER]]``: the options are JSON, and BUFFER is how many bytes the system
keeps for a peer that does not read; it chooses by itself if that is not given.
A text that begins with a slash is a command, see `Target`.
At its end, asked for by a signal, it writes ``told`` and what it has heard, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter, defaultdict
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from sgcws import (
    Binding,
    Connection,
    PeerProtocolError,
    RawTCP,
    Request,
    Response,
    ServerOptions,
    TransportKind,
    WebSocketHTTPServer,
)
from tests.wire.buffers import small_buffers

SECRET = "the words of this exception are nobody's business"



def numbered(number: int, size: int) -> bytes:
    """Return a message of a size that begins with a number of eight bytes."""
    return number.to_bytes(8) + bytes(max(0, size - 8))


class Heard:
    """
    What the application heard.

    Attributes:
        connected: How often each connection began.
        ended: The codes with which each connection ended.
        errors: The codes of what peers did wrong.
        exceptions: How often its own code failed.
        dropped: How many messages were dropped, all slow clients together.
        slow: The connections that were slow.
        kinds: How often a connection of each transport began.
    """

    def __init__(self, server: WebSocketHTTPServer) -> None:
        self.connected: Counter[str] = Counter()
        self.ended: defaultdict[str, list[int]] = defaultdict(list)
        self.errors: Counter[int] = Counter()
        self.exceptions = 0
        self.dropped = 0
        self.slow: set[str] = set()
        self.kinds: Counter[str] = Counter()
        server.on_connect(self.connect)
        server.on_connect(self.listener)
        server.on_disconnect(self.disconnect)
        server.on_error(self.error)
        server.on_exception(self.exception)
        if hasattr(server, "on_slow_client"):
            server.on_slow_client(self.slow_client)

    def connect(self, connection: Connection) -> None:
        """Note a beginning."""
        self.connected[connection.guid] += 1
        self.kinds[connection.transport.name] += 1

    def listener(self, connection: Connection) -> None:
        """Subscribe who cannot ask for it."""
        if connection.transport is TransportKind.SSE:
            connection.subscribe("events")

    def disconnect(self, connection: Connection, code: int, reason: str) -> None:
        """Note an end."""
        self.ended[connection.guid].append(code)

    def error(self, connection: Connection, error: PeerProtocolError) -> None:
        """Note what a peer did wrong."""
        self.errors[error.code] += 1

    def exception(self, connection: Connection | None, failure: object) -> None:
        """Note a failure of the application."""
        self.exceptions += 1

    def slow_client(self, connection: Connection, dropped: int) -> None:
        """Note a slow client."""
        self.slow.add(connection.guid)
        self.dropped += dropped

    def report(self) -> dict[str, Any]:
        """Tell all of it, so that it can be written as JSON."""
        return {
            "connected": self.connected.total(),
            "open": len(self.connected.keys() - self.ended.keys()),
            "ended": Counter(code for codes in self.ended.values() for code in codes),
            "twice": [guid for guid, codes in self.ended.items() if len(codes) != 1 or self.connected[guid] != 1],
            "errors": self.errors,
            "exceptions": self.exceptions,
            "dropped": self.dropped,
            "slow": len(self.slow),
            "kinds": self.kinds,
        }


class Target:
    """
    The application; each method is a command.

    Args:
        server: What it runs on.
        clock: The reactor.

    Attributes:
        taken: How many pushed messages were taken.
    """

    def __init__(self, server: WebSocketHTTPServer, clock: IReactorTime) -> None:
        self.server = server
        self.clock = clock
        self.heard = Heard(server)
        self.taken = 0

    def text(self, connection: Connection, text: str) -> Any:
        """Do what a text says, or send it back."""
        if not text.startswith("/"):
            connection.write_data(text)
            return None
        name, *words = text[1:].split()
        return getattr(self, name)(connection, *words)

    def told(self, connection: Connection) -> None:
        """Answer what was heard."""
        buffered = sum(peer.buffered for peer in self.server.connections.values())
        connection.write_data(json.dumps({**self.heard.report(), "taken": self.taken, "buffered": buffered}))

    def block(self, connection: Connection, seconds: str) -> None:
        """Do what no handler should: keep everybody waiting."""
        time.sleep(float(seconds))

    def received(self, connection: Connection, guid: str) -> None:
        """Answer how many messages of a connection have come."""
        connection.write_data(str(self.server.connections[guid].messages_received))

    def guid(self, connection: Connection) -> None:
        """Answer the guid of the one who asks."""
        connection.write_data(connection.guid)

    async def push(self, connection: Connection, count: str, size: str, *key: str) -> None:
        """Send so many binary messages of a size to the one who asks, numbered, one in each turn of the reactor."""
        for number in range(int(count)):
            self.taken += connection.write_data(numbered(number, int(size)), key=key[0] if key else None)
            await deferLater(self.clock, 0)

    def burst(self, connection: Connection, count: str, size: str) -> None:
        """Send them all at once."""
        data = bytes(int(size))
        self.taken += sum(connection.write_data(data) for _ in range(int(count)))

    async def wait(self, connection: Connection, seconds: str) -> None:
        """Take some time, without keeping others from theirs."""
        await deferLater(self.clock, float(seconds))

    def subscribe(self, connection: Connection, channel: str) -> None:
        """Subscribe the one who asks."""
        connection.subscribe(channel)
        connection.write_data("subscribed")

    async def broadcast(self, connection: Connection, channel: str, count: str, size: str) -> None:
        """Send so many binary messages of a size to a channel, one in each turn; answer how many took each."""
        data, took = bytes(int(size)), []
        for _ in range(int(count)):
            took.append(self.server.broadcast(data, channel=channel))
            await deferLater(self.clock, 0)
        connection.write_data(json.dumps(took))

    def fail(self, connection: Connection) -> None:
        """Fail."""
        raise ValueError(SECRET)

    def close(self, connection: Connection, guid: str) -> None:
        """Close a connection with 4000."""
        found = self.server.connections.get(guid)
        if found is not None:
            found.close(4000, "asked to")

    def disconnect(self, connection: Connection, guid: str) -> None:
        """End a connection at once."""
        found = self.server.connections.get(guid)
        if found is not None:
            found.disconnect()

    def disconnect_all(self, connection: Connection) -> None:
        """Close all connections with 4001."""
        self.server.disconnect_all(4001, "all of you")

    def restart(self, connection: Connection) -> None:
        """Restart."""
        self.server.restart()

    # What it answers otherwise.

    def binary(self, connection: Connection, data: bytes) -> Any:
        """Send it back; raw TCP has no texts, so there it may be a command, too."""
        if connection.transport is not TransportKind.TCP:
            connection.write_data(data)
            return None
        words = data.decode().strip()
        return self.text(connection, "/guid" if words == "RAW" else words)

    def page(self, request: Request, response: Response) -> None:
        """Answer with a small page, or fail."""
        if request.path == "/fail":
            raise ValueError(SECRET)
        response.text = "hello"

    def handshake(self, connection: Connection, request: Request, headers: object) -> None:
        """Fail where asked to."""
        if request.path == "/fail":
            raise ValueError(SECRET)

    def unknown(self, connection: Connection, first_bytes: bytes) -> RawTCP | None:
        """Take in who begins with RAW."""
        return RawTCP() if first_bytes.startswith(b"RAW") else None


def main(port: str, options: str = "{}", buffer: str = "") -> None:
    """Serve until a signal comes."""
    from twisted.internet import reactor

    if buffer:
        small_buffers(int(buffer))
    server = WebSocketHTTPServer(
        bindings=[Binding("127.0.0.1", int(port))], options=ServerOptions.from_mapping(json.loads(options))
    )
    target = Target(server, reactor)
    server.on_message(target.text)
    server.on_binary(target.binary)
    server.on_command_get(target.page)
    server.on_handshake(target.handshake)
    server.on_unknown_protocol(target.unknown)
    print("process", os.getpid(), flush=True)
    server.run()
    print("told", json.dumps(target.heard.report()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
