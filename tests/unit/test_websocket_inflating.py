"""Promises of `sgcws.websocket.inflating`: messages come out whole, and none costs more than it may."""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Iterable

from autobahn.exception import PayloadCorruptError, PayloadExceededError
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.options import Compression
from sgcws.rules.deflate import Deflate
from sgcws.websocket.inflating import Inflater
from sgcws.websocket.zlibs import STANDARD, Zlib

from ..zlib_peer import WatchedZlib, ZlibPeer, agreement, agreements, cut, installed, noise, payloads, unhurried

MIB = 1024**2

cuts = st.lists(st.integers(0, 10**6), max_size=6)

ways = st.sampled_from([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH])


def inflate(inflater: Inflater, pieces: Iterable[bytes], largest: int | None = None) -> bytes:
    """Inflate a message, with the bound that Autobahn gives."""
    inflater.start_decompress_message()
    whole = b""
    for piece in pieces:
        whole += inflater.decompress_message_data(piece, None if largest is None else largest - len(whole))
    inflater.end_decompress_message()
    return whole


@functools.cache
def bomb(size: int) -> bytes:
    """Return a message of so many zeros."""
    return ZlibPeer(agreement(15)).send(bytes(size))


def verdict(pieces: Iterable[bytes], max_ratio: int, largest: int | None = None) -> int | type[Exception]:
    """Return the size of a message inflated, or what is raised instead."""
    try:
        return len(inflate(Inflater(agreement(15), Compression(max_ratio=max_ratio)), pieces, largest))
    except (PayloadExceededError, PayloadCorruptError) as error:
        return type(error)


class RoundTrip:
    """What every zlib has to do."""

    zlib: Zlib

    def test_any_messages(self) -> None:
        """Any messages come out as they went in: any window, kept or not, streams ended or not, cut anywhere."""

        @unhurried
        @given(agreements, st.lists(st.tuples(payloads, ways, cuts), max_size=6))
        def check(deflate: Deflate, messages: list[tuple[bytes, int, list[int]]]) -> None:
            peer, inflater = ZlibPeer(deflate), Inflater(deflate, Compression(), self.zlib)
            for payload, how, places in messages:
                assert inflate(inflater, cut(peer.send(payload, how), places)) == payload

        check()

    def test_any_bytes(self) -> None:
        """Any bytes give a message or the one error that Autobahn knows, and no more than was allowed."""

        @unhurried
        @given(st.lists(st.binary(max_size=200), max_size=5), st.integers(-1, 50))
        def check(pieces: list[bytes], largest: int) -> None:
            inflater = Inflater(agreement(), Compression(), self.zlib)
            with contextlib.suppress(PayloadCorruptError, PayloadExceededError):
                assert len(inflate(inflater, pieces, largest)) <= max(0, largest)

        check()

    def test_steps(self) -> None:
        """Nothing is left behind where a step ends, be it in the midst of a repetition."""
        peer, inflater = ZlibPeer(agreement()), Inflater(agreement(), Compression(), self.zlib)
        for size in range(3 * 64 * 1024 - 300, 3 * 64 * 1024 + 300, 7):
            payload = b"a" * size + b"b"
            assert inflate(inflater, [peer.send(payload)]) == payload, size

    def test_corrupt(self) -> None:
        """What no deflater gives is corrupt, and zlib's own words about it go no further."""
        inflater = Inflater(agreement(), Compression(), self.zlib)
        try:
            inflate(inflater, [b"\xff" * 4])
        except PayloadCorruptError as error:
            assert "-" not in str(error)
        else:
            raise AssertionError

    def test_bomb(self) -> None:
        """Half a megabyte for 512 MB is refused at 1 MiB, in steps of 64 KiB, and so are sixteen at once."""
        data = bomb(512 * MIB)
        assert len(data) < 530_000
        for pieces in ([data], list(cut(data, range(0, len(data), 1000)))):
            watched = [WatchedZlib(self.zlib) for _ in range(16)]
            for each in watched:
                inflater = Inflater(agreement(15), Compression(), Zlib(each))
                with contextlib.suppress(PayloadExceededError):
                    raise AssertionError(len(inflate(inflater, pieces, 64 * MIB)))
            assert max(max(each.given) for each in watched) == 64 * 1024
            assert max(sum(each.given) for each in watched) == MIB + 1


class StandardTests(RoundTrip, SynchronousTestCase):
    """The standard library's zlib."""

    def setUp(self) -> None:
        """Take it."""
        self.zlib = STANDARD


class ZlibNGTests(RoundTrip, SynchronousTestCase):
    """zlib-ng, which is taken where it is installed."""

    def setUp(self) -> None:
        """Take it."""
        self.zlib = installed("zlib_ng.zlib_ng")


class ISALTests(RoundTrip, SynchronousTestCase):
    """ISA-L, whose ``unconsumed_tail`` may be empty before everything is given."""

    def setUp(self) -> None:
        """Take it."""
        self.zlib = installed("isal.isal_zlib")


class WindowTests(SynchronousTestCase):
    """The window of the peer."""

    def test_held_to(self) -> None:
        """A message that looks further back than was agreed on is corrupt."""
        data = ZlibPeer(agreement(15)).send(noise(1, 5000) * 2)
        octets = list(cut(data, range(len(data))))
        self.assertEqual(len(inflate(Inflater(agreement(13), Compression(), STANDARD), octets)), 10_000)
        narrow = Inflater(agreement(12), Compression(), STANDARD)
        self.assertRaises(PayloadCorruptError, inflate, narrow, octets)

    def test_kept(self) -> None:
        """A stream is begun with the first compressed message, and goes on with the next."""
        watched = WatchedZlib()
        peer, inflater = ZlibPeer(agreement()), Inflater(agreement(), Compression(), Zlib(watched))
        self.assertEqual(watched.begun, 0)
        for _ in range(3):
            inflate(inflater, [peer.send(b"x" * 1000)])
        self.assertEqual((watched.begun, len(watched.kept)), (1, 1))

    def test_forgotten(self) -> None:
        """Where the peer forgets its window, nothing of one message is there for the next."""
        watched = WatchedZlib()
        deflate = agreement(takeover=False)
        keeping, inflater = ZlibPeer(agreement()), Inflater(deflate, Compression(), Zlib(watched))
        message = bytes(range(200))
        self.assertEqual(inflate(inflater, [keeping.send(message)]), message)
        self.assertEqual(len(watched.kept), 0)
        self.assertRaises(PayloadCorruptError, inflate, inflater, [keeping.send(message)])
        self.assertEqual(watched.begun, 2)


class BoundTests(SynchronousTestCase):
    """What a message may cost."""

    def test_ratio(self) -> None:
        """Only what has grown past 1 MiB is held to the ratio, and only what grows by more than it is refused."""
        small, large = bomb(MIB), bomb(MIB + 1)
        self.assertEqual(verdict([small], max_ratio=1), MIB)
        self.assertEqual(verdict([large], max_ratio=100), PayloadExceededError)
        self.assertEqual(verdict([large], max_ratio=1100), MIB + 1)

    def test_ratio_is_of_what_has_come(self) -> None:
        """What has come speaks for what follows it, and what is still to come speaks for nothing."""
        early = ZlibPeer(agreement(15)).send(noise(1, 30_000) + bytes(2 * MIB))
        late = ZlibPeer(agreement(15)).send(bytes(2 * MIB) + noise(1, 30_000))
        self.assertEqual(verdict([early], max_ratio=100), 30_000 + 2 * MIB)
        self.assertEqual(verdict([early], max_ratio=50), PayloadExceededError)
        self.assertEqual(verdict([late], max_ratio=100), PayloadExceededError)

    def test_exactly_the_largest(self) -> None:
        """The largest message passes, one byte more does not."""
        for size in (0, 1, 1000, 65536, MIB):
            data = bomb(size)
            self.assertEqual(verdict([data], 2000, size), size)
            if size:
                self.assertEqual(verdict([data], 2000, size - 1), PayloadExceededError)

    def test_not_inflated_further(self) -> None:
        """One byte above the largest message is all that is inflated of a larger one."""
        for largest in (-1, 0, 1, 1000, 70_000):
            watched = WatchedZlib()
            inflater = Inflater(agreement(15), Compression(), Zlib(watched))
            self.assertRaises(PayloadExceededError, inflate, inflater, [bomb(10 * MIB)], largest)
            self.assertEqual(sum(watched.given), max(0, largest) + 1)

    def test_cuts_do_not_matter_near_the_bound(self) -> None:
        """Also where a few octets decide, it is the message that decides."""
        found = set()
        for size in range(27_600, 28_800, 100):
            data = ZlibPeer(agreement(15)).send(noise(1, size) + bytes(3_300_000))
            verdicts = {verdict(cut(data, places), 100) for places in ((), (5,), (500, 1000), range(0, len(data), 300))}
            self.assertEqual(len(verdicts), 1, size)
            found |= {str(each) for each in verdicts}
        self.assertGreater(len(found), 1)
        self.assertIn(str(PayloadExceededError), found)

    @unhurried
    @given(st.lists(payloads, max_size=4), st.integers(0, 3 * MIB), st.integers(1, 1100), cuts)
    @example([], MIB + 1, 100, [3])
    def test_cuts_do_not_matter(self, parts: list[bytes], zeros: int, max_ratio: int, places: list[int]) -> None:
        """Whether a message is refused depends on the message, not on how it was cut on its way."""
        peer = ZlibPeer(agreement(15))
        data = peer.send(b"".join(parts) + bytes(zeros) + b"".join(parts))
        self.assertEqual(verdict([data], max_ratio), verdict(cut(data, places), max_ratio))

    def test_within_one_message(self) -> None:
        """What was inflated of one message is not held against the next."""
        inflater, peer = Inflater(agreement(15), Compression()), ZlibPeer(agreement(15))
        for _ in range(4):
            self.assertEqual(len(inflate(inflater, [peer.send(bytes(MIB // 2))], MIB)), MIB // 2)


class EndTests(SynchronousTestCase):
    """Where streams and messages end."""

    def setUp(self) -> None:
        """Begin."""
        self.watched = WatchedZlib()
        self.inflater = Inflater(agreement(15), Compression(), Zlib(self.watched))

    def ended(self, payload: bytes) -> bytes:
        squeeze = zlib.compressobj(wbits=-15)
        return squeeze.compress(payload) + squeeze.flush(zlib.Z_FINISH)

    def test_example_of_the_rfc(self) -> None:
        """The messages of RFC 7692 section 7.2.3 say Hello."""
        for octets in (
            "f2 48 cd c9 c9 07 00",
            "f2 00 11 00 00",
            "00 05 00 fa ff 48 65 6c 6c 6f 00",
            "f3 48 cd c9 c9 07 00 00",
            "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
        ):
            self.assertEqual(inflate(self.inflater, [bytes.fromhex(octets)]), b"Hello", octets)
        self.assertEqual(inflate(self.inflater, [b"\x00"]), b"")

    def test_ended(self) -> None:
        """A stream that ends with a message is followed by a new one, with an empty block behind it or without."""
        for rest in (b"\x00", b""):
            self.assertEqual(inflate(self.inflater, [self.ended(b"one") + rest]), b"one")
            self.assertEqual(inflate(self.inflater, [self.ended(b"two"), rest]), b"two")
        self.assertEqual(inflate(self.inflater, [ZlibPeer(agreement(15)).send(b"three")]), b"three")

    def test_ended_with_what_is_put_back(self) -> None:
        """A stream that ends only with what is put back leaves nothing of it for the next message."""
        for octets in (b"\x01", b"\x03"):
            self.assertEqual(inflate(self.inflater, [octets]), b"")
            self.assertEqual(inflate(self.inflater, [ZlibPeer(agreement(15)).send(b"next")]), b"next")

    def test_ended_within(self) -> None:
        """A message may be of several streams, up to a number: each costs more to begin than its octets are worth."""
        parts = [self.ended(b"%d" % number) for number in range(16)]
        whole = b"".join(b"%d" % number for number in range(16))
        for pieces in (parts, [b"".join(parts)]):
            self.assertEqual(inflate(self.inflater, pieces), whole)
            self.assertRaises(PayloadCorruptError, inflate, self.inflater, [*pieces, self.ended(b"x")])
        self.assertEqual(self.watched.begun, 16 * 4)

    def test_end_is_missing(self) -> None:
        """A message that ends within a block is corrupt, and what is put back at its end is never taken for its own."""
        stored = b"\x00\x08\x00\xf7\xff1234"
        self.assertRaises(PayloadCorruptError, inflate, self.inflater, [stored])

    def test_empty(self) -> None:
        """A compressed message without any octet is empty, and does no harm to the next."""
        peer = ZlibPeer(agreement(15))
        for payload in (b"one", b"two"):
            self.assertEqual(inflate(self.inflater, []), b"")
            self.assertEqual(inflate(self.inflater, [b""]), b"")
            self.assertEqual(inflate(self.inflater, [peer.send(payload)]), payload)
