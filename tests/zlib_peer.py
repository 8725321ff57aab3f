"""The other end of permessage-deflate, on the standard library's zlib alone, and zlibs that are looked at."""

from __future__ import annotations

import operator
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from random import Random
from typing import Any
from unittest import SkipTest
from weakref import WeakSet

from hypothesis import settings
from hypothesis import strategies as st

from sgcws.rules.deflate import Deflate
from sgcws.websocket.zlibs import STANDARD, Zlib

__all__ = [
    "TAIL",
    "WatchedZlib",
    "ZlibPeer",
    "agreement",
    "agreements",
    "cut",
    "installed",
    "noise",
    "payloads",
    "unhurried",
]

TAIL = b"\x00\x00\xff\xff"

unhurried = settings(deadline=None, database=None)


def noise(seed: int, size: int) -> bytes:
    """Return bytes that do not compress; those of one seed begin alike."""
    return Random(seed).randbytes(size)


payloads: st.SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=300),
    st.builds(operator.mul, st.binary(min_size=1, max_size=20), st.integers(0, 10_000)),
    st.builds(noise, st.integers(0, 3), st.integers(0, 70_000)),
)
"""Short ones, repetitions, and noise that comes again at a distance which only some windows reach."""

agreements: st.SearchStrategy[Deflate] = st.builds(
    Deflate,
    server_bits=st.integers(9, 15),
    server_bits_asked=st.booleans(),
    server_takeover=st.booleans(),
    client_bits=st.none() | st.integers(9, 14),
    client_takeover=st.booleans(),
)
"""Everything that can be agreed on."""


def agreement(bits: int = 12, takeover: bool = True) -> Deflate:
    """Return what is agreed on when both sides want the same."""
    return Deflate(
        server_bits=bits,
        server_bits_asked=True,
        server_takeover=takeover,
        client_bits=bits if bits < 15 else None,
        client_takeover=takeover,
    )


def installed(name: str, level: int = zlib.Z_DEFAULT_COMPRESSION) -> Zlib:
    """Return a zlib by the name of its module, or skip the test."""
    try:
        return Zlib(import_module(name), level)
    except ImportError:
        raise SkipTest(f"{name} is not installed, which the extra 'speed' does") from None


def cut(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """Cut *data* at some places, counted from its beginning again and again; some pieces may be empty."""
    last = 0
    for place in sorted(place % (len(data) + 1) for place in places):
        yield data[last:place]
        last = place
    yield data[last:]


class ZlibPeer:
    """
    A client: what it sends and takes is by the letter of RFC 7692 section 7.2.

    Args:
        deflate: What was agreed on.
    """

    def __init__(self, deflate: Deflate) -> None:
        self.deflate = deflate
        self.out: Any = None
        self.into: Any = None

    def send(self, payload: bytes, how: int = zlib.Z_SYNC_FLUSH) -> bytes:
        """Compress a message; *how* is ``Z_SYNC_FLUSH``, ``Z_FULL_FLUSH``, or ``Z_FINISH``, which ends the stream."""
        if self.out is None or not self.deflate.client_takeover:
            self.out = zlib.compressobj(wbits=-(self.deflate.client_bits or 15))
        data: bytes = self.out.compress(payload) + self.out.flush(how)
        if how == zlib.Z_FINISH:
            self.out = None
            return data + b"\x00"
        return data[:-4]

    def take(self, data: bytes, step: int = 0) -> bytes:
        """Inflate a message, *step* bytes at a time: a window is held to exactly when that is 1."""
        if self.into is None or not self.deflate.server_takeover:
            self.into = zlib.decompressobj(-self.deflate.server_bits)
        taken, rest = [], data + TAIL
        while rest:
            taken.append(self.into.decompress(rest, step))
            rest = self.into.unconsumed_tail
        return b"".join(taken)


class WatchedZlib:
    """
    A zlib's module that tells what is done with it.

    Args:
        zlib: The one that does it.

    Attributes:
        begun: How many streams were begun.
        kept: Those of them that somebody still has.
        given: Bytes that each step of inflating gave.
        fails: Raised instead of flushing, once.
    """

    def __init__(self, zlib: Zlib = STANDARD) -> None:
        self.module = zlib.module
        self.error, self.Z_SYNC_FLUSH = zlib.module.error, zlib.module.Z_SYNC_FLUSH
        self.begun = 0
        self.kept: WeakSet[WatchedStream] = WeakSet()
        self.given: list[int] = []
        self.fails: type[Exception] | None = None

    def decompressobj(self, *args: Any) -> Any:
        """Begin to inflate."""
        return self.watch(self.module.decompressobj(*args))

    def compressobj(self, *args: Any) -> Any:
        """Begin to deflate."""
        return self.watch(self.module.compressobj(*args))

    def watch(self, stream: Any) -> WatchedStream:
        """Watch a stream."""
        watched = WatchedStream(self, stream)
        self.begun += 1
        self.kept.add(watched)
        return watched


class WatchedStream:
    """A stream of a `WatchedZlib`."""

    def __init__(self, watched: WatchedZlib, stream: Any) -> None:
        self.watched, self.stream = watched, stream
        self.compress: Callable[[bytes], bytes] = getattr(stream, "compress", bytes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def decompress(self, data: bytes, room: int) -> bytes:
        """Inflate a step."""
        given: bytes = self.stream.decompress(data, room)
        self.watched.given.append(len(given))
        return given

    def flush(self, how: int) -> bytes:
        """End what can be inflated so far, or fail."""
        failure, self.watched.fails = self.watched.fails, None
        if failure is not None:
            raise failure
        flushed: bytes = self.stream.flush(how)
        return flushed
