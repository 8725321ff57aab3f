"""A WebSocket client over a plain socket that keeps to no rule, for tests and benchmarks. Every call ends in time."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple, Self

from tests.cases.frames import BINARY, CLOSE, CONTINUATION, FORMS, TEXT, frame
from tests.wire.buffers import SMALL_SEGMENT

__all__ = [
    "ATTEMPT",
    "NO_MASK",
    "Attacker",
    "Ending",
    "Incoming",
    "bomb",
    "bomb_frame",
    "fragments_without_end",
    "open_socket",
    "quick",
    "repeated",
    "trusting",
    "upgrade",
]

ATTEMPT = 20.0
"""Seconds that one call takes at most."""

NO_MASK = bytes(4)
"""A mask that changes nothing, so that a frame costs the attacker no work."""

PIECE = 64 * 1024
"""Bytes that are read or written at once."""

MIB = 1024**2

SHOWN = 64
"""Bytes of a frame that are kept."""


def quick(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, size: int | None = None) -> bytes:
    """Write a client's frame with `NO_MASK`; the arguments are those of `tests.cases.frames.frame`."""
    return frame(opcode, fin=fin, rsv=rsv, mask=NO_MASK, size=len(payload) if size is None else size) + payload


def upgrade(path: str = "/", *lines: str) -> bytes:
    """Write a request for a WebSocket, with more header lines."""
    head = (
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        *lines,
    )
    return "\r\n".join((*head, "", "")).encode()


def repeated(data: bytes, total: int | None = None) -> Iterator[bytes]:
    """Yield *data* over and over in pieces that are worth a write, *total* bytes at least, or for ever."""
    piece = data * max(1, PIECE // len(data))
    sent = 0
    while total is None or sent < total:
        yield piece
        sent += len(piece)


def fragments_without_end(payload: bytes) -> Iterator[bytes]:
    """Yield the fragments of a message that never ends."""
    yield quick(BINARY, payload, fin=False)
    yield from repeated(quick(CONTINUATION, payload, fin=False))


def bomb(size: int) -> bytes:
    """Compress *size* zeros, whole mebibytes, to a thousandth, as permessage-deflate does (RFC 7692 section 7.2.1)."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -9)
    block = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the same zeros give the same bytes.
    return (block * (size // MIB))[:-4]


def bomb_frame(size: int) -> bytes:
    """Write the one frame that inflates to *size* zeros."""
    return quick(BINARY, bomb(size), rsv=4)


class Ending(NamedTuple):
    """
    How a conversation ended.

    Attributes:
        code: The code of the server's Close frame, or None; 1005 if it carried none.
        how: ``closed``, ``reset``, or ``open`` if it did not end in time.
    """

    code: int | None
    how: str

    def __str__(self) -> str:
        """Tell it in a word."""
        return self.how if self.code is None else str(self.code)


class Incoming:
    """
    Reads what a server sends, and keeps next to nothing of it.

    Attributes:
        frames: How many frames have ended, by opcode.
        octets: How many bytes they have carried, by opcode.
        order: The first bytes of each, in the order of their ends.
        code: The code of its Close frame, or None; 1005 if it carried none.
        broken: Whether something was read that is no frame of a server.
    """

    def __init__(self) -> None:
        self.frames: Counter[int] = Counter()
        self.octets: Counter[int] = Counter()
        self.order: list[bytes] = []
        self.code: int | None = None
        self.broken = False
        self._head = b""
        self._first = b""
        self._opcode = CONTINUATION
        self._left: int | None = None

    def feed(self, data: bytes) -> None:
        """Take in what has come."""
        view = memoryview(data)
        while view and not self.broken:
            view = self._body(view) if self._left is not None else self._begin(view)

    def _begin(self, view: memoryview) -> memoryview:
        """Take one byte of a head, and begin the body when it is complete."""
        self._head += view[:1]
        head = self._head
        if len(head) >= 2:
            form = {126: 16, 127: 64}.get(head[1], 7)
            if len(head) == 2 + FORMS[form]:
                self.broken = bool(head[0] & 0x30 or head[1] & 0x80)
                self._left = int.from_bytes(head[2:]) if form != 7 else head[1]
                self._opcode, self._head = head[0] & 0x0F, b""
                self._finish()
        return view[1:]

    def _body(self, view: memoryview) -> memoryview:
        assert self._left is not None
        taken = view[: self._left]
        if len(self._first) < SHOWN:
            self._first += taken[: SHOWN - len(self._first)]
        self._left -= len(taken)
        self.octets[self._opcode] += len(taken)
        self._finish()
        return view[len(taken) :]

    def _finish(self) -> None:
        if self._left:
            return
        first, self._first, self._left = self._first, b"", None
        self.frames[self._opcode] += 1
        self.order.append(first)
        if self._opcode == CLOSE:
            self.code = int.from_bytes(first[:2]) if first else 1005


def open_socket(port: int, *, tls: bool = False, deaf: bool = False, source: str = "127.0.0.1") -> socket.socket:
    """
    Connect to the loopback.

    Args:
        port: Where to.
        tls: Whether to speak TLS; no certificate is looked at.
        deaf: Whether the system on both sides keeps next to nothing of what is not read.
        source: The address that it comes from.
    """
    client = socket.socket()
    client.settimeout(ATTEMPT)
    if deaf:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
    else:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.bind((source, 0))
    try:
        client.connect(("127.0.0.1", port))
        return trusting().wrap_socket(client) if tls else client
    except OSError:
        client.close()
        raise


def trusting() -> ssl.SSLContext:
    """Return what a client needs for TLS that looks at no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Attacker:
    """
    A WebSocket client that sends whatever it is told, and answers nothing.

    Args:
        port: Of the server.
        path: Of the WebSocket.
        offer: The extensions that it offers.
        tls: Whether it speaks TLS.
        deaf: Whether the system keeps next to nothing of what it does not read.

    Attributes:
        head: The answer to its upgrade.
        incoming: What has been read.
    """

    def __init__(
        self, port: int, path: str = "/", *, offer: str | None = None, tls: bool = False, deaf: bool = False
    ) -> None:
        self.incoming = Incoming()
        self.socket = open_socket(port, tls=tls, deaf=deaf)
        self.socket.sendall(upgrade(path, *([f"Sec-WebSocket-Extensions: {offer}"] if offer else [])))
        self.head = self._read_head()

    def _read_head(self) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(4096)
            if not piece:
                break
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        self.incoming.feed(rest)
        return head.decode("latin-1")

    def send(self, data: bytes) -> Self:
        """Send all of it."""
        self.socket.settimeout(ATTEMPT)
        self.socket.sendall(data)
        return self

    def say(self, text: str) -> Self:
        """Send a text message."""
        return self.send(quick(TEXT, text.encode()))

    def flood(self, pieces: Iterable[bytes], seconds: float, *, reading: bool = True) -> int:
        """
        Send piece after piece until they, the time or the conversation are at their end; return how much was sent.

        Args:
            pieces: What to send.
            seconds: How long, at most.
            reading: Whether to read what comes meanwhile.
        """
        self.socket.setblocking(False)
        deadline = time.monotonic() + seconds
        sent = 0
        with suppress(ConnectionError):
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    if time.monotonic() > deadline or self.incoming.code is not None:
                        return sent
                    count = self._turn(view, reading)
                    view, sent = view[count:], sent + count
        return sent

    def _turn(self, view: memoryview, reading: bool) -> int:
        """Read what is there, and send what there is room for; wait a little if neither was to be had."""
        came = reading and self._read_once()
        sent = 0
        with suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = self.socket.send(view[:PIECE])
        if not sent and not came:
            self._wait(select.POLLOUT | (select.POLLIN if reading else 0))
        return sent

    def _read_once(self) -> bool:
        """Read what is there; whether something was. A goodbye without words raises `ConnectionError`."""
        try:
            data = self.socket.recv(4 * PIECE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except ssl.SSLError as error:
            raise ConnectionResetError from error
        if not data:
            raise ConnectionAbortedError
        self.incoming.feed(data)
        return True

    def reads(self, count: int, opcode: int = BINARY, seconds: float = ATTEMPT) -> int:
        """Read until *count* frames of a kind have come; return how many have."""
        self._read_until(seconds, lambda: self.incoming.frames[opcode] >= count)
        return self.incoming.frames[opcode]

    def hears_goodbye(self) -> Self:
        """Read until the server's Close frame has come."""
        self.reads(1, CLOSE)
        return self

    def ending(self, seconds: float = ATTEMPT) -> Ending:
        """Read until the server has closed, and tell how the conversation ended."""
        how = self._read_until(seconds, lambda: False)
        return Ending(self.incoming.code, how)

    def _read_until(self, seconds: float, done: Callable[[], bool]) -> str:
        self.socket.setblocking(False)
        deadline = time.monotonic() + seconds
        try:
            while not done():
                if time.monotonic() > deadline:
                    return "open"
                if not self._read_once():
                    self._wait(select.POLLIN)
        except ConnectionAbortedError:
            return "closed"
        except ConnectionError:
            return "reset"
        return "open"

    def _wait(self, events: int) -> None:
        """Wait a little for the socket."""
        poll = select.poll()
        poll.register(self.socket, events)
        poll.poll(50)

    def reset(self) -> None:
        """Close with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close the socket, without a goodbye."""
        self.socket.close()
