"""Promises of `sgcws.websocket.deflating`: what is sent, any client can inflate."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.options import Compression
from sgcws.rules.deflate import Deflate
from sgcws.websocket.deflating import Deflater, without_tail
from sgcws.websocket.zlibs import STANDARD, Zlib

from ..zlib_peer import TAIL, WatchedZlib, ZlibPeer, agreement, agreements, installed, noise, payloads, unhurried

steps = st.lists(
    st.one_of(
        st.tuples(st.just("own"), payloads),
        st.tuples(st.just("shared"), payloads),
        st.tuples(st.just("parts"), st.lists(payloads, min_size=1, max_size=4)),
    ),
    max_size=8,
)


def send(deflater: Deflater, kind: str, what: bytes | list[bytes]) -> tuple[bytes, bytes]:
    """Send a message in one of the ways there are; its payload, and what goes over the wire."""
    if isinstance(what, list):
        last = len(what) - 1
        return b"".join(what), b"".join(
            deflater.compress_part(part, number == 0, number == last) for number, part in enumerate(what)
        )
    if kind == "own":
        return what, deflater.compress(what)
    data = deflater.compress_shared(what)
    deflater.skip()
    return what, data


class RoundTrip:
    """What every zlib has to do."""

    zlib: Zlib

    def test_any_messages(self) -> None:
        """Any messages can be inflated: any window, kept or not, whole or in parts, with shared ones in between."""

        @unhurried
        @given(agreements, st.integers(1, 9), steps)
        def check(deflate: Deflate, memory_level: int, messages: list[tuple[str, bytes | list[bytes]]]) -> None:
            peer = ZlibPeer(deflate)
            deflater = Deflater(deflate, Compression(memory_level=memory_level), self.zlib)
            for kind, what in messages:
                payload, data = send(deflater, kind, what)
                assert data and not data.endswith(TAIL)
                assert peer.take(data) == payload

        check()

    def test_windows(self) -> None:
        """No message looks further back than the window that was agreed on, down to the smallest."""
        for bits in range(9, 16):
            window = 1 << bits
            far = noise(bits, window + 1000)
            peer, deflater = ZlibPeer(agreement(bits)), Deflater(agreement(bits), Compression(), self.zlib)
            for distance in (window // 2, window - 300, window - 262, window - 1, window, window + 1, window + 300):
                payload = far[:distance] + far[:300]
                assert peer.take(deflater.compress(payload), step=1) == payload, (bits, distance)

    def test_shared_serves_all(self) -> None:
        """One compression serves every peer of its form, those that keep their window and those that do not."""

        @unhurried
        @given(st.integers(9, 15), st.lists(payloads, max_size=3), payloads, payloads)
        def check(bits: int, before: list[bytes], shared: bytes, after: bytes) -> None:
            pairs = []
            for takeover in (True, False):
                deflate = agreement(bits, takeover)
                pairs.append((ZlibPeer(deflate), Deflater(deflate, Compression(), self.zlib)))
            assert pairs[0][1].form == pairs[1][1].form
            for payload in before:
                assert pairs[0][0].take(pairs[0][1].compress(payload)) == payload
            data = pairs[1][1].compress_shared(shared)
            for peer, deflater in pairs:
                deflater.skip()
                assert peer.take(data) == shared
                assert peer.take(deflater.compress(after)) == after

        check()

    def test_empty(self) -> None:
        """An empty message is an empty block or two (RFC 7692 section 7.2.3.6), and so is an empty last part."""
        for takeover in (True, False):
            peer = ZlibPeer(agreement(takeover=takeover))
            deflater = Deflater(agreement(takeover=takeover), Compression(), self.zlib)
            for kind, what in (("own", b""), ("own", b""), ("parts", [b"a", b""]), ("parts", [b"", b""]), ("own", b"")):
                payload, data = send(deflater, kind, what)  # type: ignore[arg-type]
                assert peer.take(data) == payload
            assert 1 <= len(deflater.compress_shared(b"")) <= 2


class StandardTests(RoundTrip, SynchronousTestCase):
    """The standard library's zlib."""

    def setUp(self) -> None:
        """Take it."""
        self.zlib = STANDARD


class ISALTests(RoundTrip, SynchronousTestCase):
    """ISA-L, which is taken where it is installed."""

    def setUp(self) -> None:
        """Take it."""
        self.zlib = installed("isal.isal_zlib", 1)


class ZlibNGTests(RoundTrip, SynchronousTestCase):
    """zlib-ng, which does as well."""

    def setUp(self) -> None:
        """Take it."""
        self.zlib = installed("zlib_ng.zlib_ng")


class DeflaterTests(SynchronousTestCase):
    """What is kept, and when."""

    def setUp(self) -> None:
        """Watch zlib."""
        self.watched = WatchedZlib()

    def deflater(self, deflate: Deflate | None = None, **options: int) -> Deflater:
        return Deflater(deflate or agreement(), Compression(**options), Zlib(self.watched))  # type: ignore[arg-type]

    def test_kept(self) -> None:
        """A stream is begun with the first message, and goes on with the next, which comes out smaller."""
        deflater = self.deflater()
        self.assertEqual(self.watched.begun, 0)
        message = noise(1, 500)
        first, second = deflater.compress(message), deflater.compress(message)
        self.assertLess(len(second), len(first) // 10)
        self.assertEqual((self.watched.begun, len(self.watched.kept)), (1, 1))

    def test_forgotten(self) -> None:
        """Where the window is forgotten, each message is deflated for itself, and nothing is kept."""
        deflater = self.deflater(agreement(takeover=False))
        self.assertEqual(deflater.compress(b"x" * 500), deflater.compress(b"x" * 500))
        self.assertEqual((self.watched.begun, len(self.watched.kept)), (2, 0))

    def test_parts_are_one_message(self) -> None:
        """Also where the window is forgotten, a part refers to the ones before it."""
        deflater = self.deflater(agreement(takeover=False))
        message = noise(2, 500)
        parts = [deflater.compress_part(message, first, last) for first, last in ((True, False), (False, True))]
        self.assertLess(len(parts[1]), 50)
        self.assertGreater(len(deflater.compress_part(message, True, True)), 500)

    def test_abandoned(self) -> None:
        """Where the window is forgotten, a message that was begun and never ended is, too."""
        deflater = self.deflater(agreement(takeover=False))
        message = noise(5, 500)
        deflater.compress_part(message, True, False)
        self.assertEqual(ZlibPeer(agreement(takeover=False)).take(deflater.compress(message)), message)

    def test_nothing_left(self) -> None:
        """An octet stands for a message of which zlib gives nothing at all."""
        self.assertEqual(without_tail(b""), b"\x00")

    def test_parts_arrive(self) -> None:
        """Each part can be inflated when it arrives."""
        deflater, inflate = self.deflater(), zlib.decompressobj(-12)
        self.assertEqual(inflate.decompress(deflater.compress_part(b"one", True, False)), b"one")
        self.assertEqual(inflate.decompress(deflater.compress_part(b"two", False, False)), b"two")
        self.assertEqual(inflate.decompress(deflater.compress_part(b"three", False, True) + TAIL), b"three")

    def test_form(self) -> None:
        """Peers are of one form where the same bytes serve them: by window and memory, not by what they keep."""
        form = self.deflater().form
        self.assertEqual(form, self.deflater(agreement(takeover=False), threshold=1).form)
        self.assertEqual(hash(form), hash(self.deflater().form))
        self.assertNotEqual(form, self.deflater(agreement(11)).form)
        self.assertNotEqual(form, self.deflater(memory_level=9).form)

    def test_shared_leaves_no_trace(self) -> None:
        """A shared message is the same whoever compresses it, and changes nothing for that peer until it is sent."""
        deflater = self.deflater()
        message = noise(3, 500)
        fresh = deflater.compress_shared(message)
        self.assertEqual(len(self.watched.kept), 0)
        deflater.compress(message)
        self.assertEqual(deflater.compress_shared(message), fresh)
        self.assertLess(len(deflater.compress(message)), 50)
        deflater.skip()
        self.assertGreater(len(deflater.compress(message)), 500)

    def test_threshold(self) -> None:
        """A message is compressed from the threshold on."""
        deflater = self.deflater(threshold=100)
        self.assertEqual([deflater.wants(size) for size in (0, 99, 100, 101)], [False, False, True, True])
        self.assertTrue(self.deflater(threshold=1).wants(1))

    def test_failure(self) -> None:
        """A message that could not be compressed, and so was not sent, is nothing that the next one refers to."""
        peer, deflater = ZlibPeer(agreement()), self.deflater()
        message = noise(4, 500)
        self.assertEqual(peer.take(deflater.compress(b"before")), b"before")
        self.watched.fails = MemoryError
        self.assertRaises(MemoryError, deflater.compress, message)
        self.assertEqual(peer.take(deflater.compress(message)), message)
