"""Promises of `sgcws.rules.terminator`: messages end where the application said, however packets are cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules import terminator
from sgcws.rules.terminator import Splitter, splitter_for
from sgcws.values import Scan

MUCH = 1000

# Few different bytes, so that terminators come often, and often nearly.
streams = st.binary(max_size=40) | st.lists(st.sampled_from((b"a", b"b", b"aab", b"\r", b"\n")), max_size=40).map(
    b"".join
)
terminators = st.sampled_from((b"\n", b"\r\n", b"aab", b"aa", b"abab", b"\r\n\r\n")) | st.binary(min_size=1, max_size=4)
packets = st.lists(st.lists(st.sampled_from((b"a", b"b", b"aab", b"\r\n")), min_size=1).map(b"".join), max_size=20)
cuts = st.lists(st.integers(0, 60), max_size=12)


def cut_up(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut a stream into packets, none of them empty."""
    inside = sorted({place for place in places if 0 < place < len(data)})
    return [data[start:end] for start, end in zip([0, *inside], [*inside, len(data)], strict=True) if data]


def drain(splitter: Splitter) -> list[bytes]:
    """Take all that there is."""
    messages = []
    while splitter.waiting:
        messages.append(splitter.take())
    return messages


def split(
    packets: Iterable[bytes], terminator: bytes = b"\r\n", scan: Scan = Scan.ALL, limit: int = MUCH
) -> tuple[list[bytes], bool]:
    """Return the messages of some packets, each taken as soon as it is there, and whether one was too big."""
    splitter = splitter_for(terminator, scan, limit)
    messages = []
    for packet in packets:
        splitter.feed(packet)
        messages += drain(splitter)
    return messages, splitter.too_big


def lines(data: bytes, terminator: bytes, limit: int) -> tuple[list[bytes], bool]:
    """Say what the messages are, with all of the stream at hand."""
    *whole, rest = data.split(terminator)
    good = next((number for number, message in enumerate(whole) if len(message) > limit), len(whole))
    return whole[:good], good < len(whole) or len(rest) >= limit + len(terminator)


class AnywhereTests(SynchronousTestCase):
    """`Scan.ALL`: terminators are looked for everywhere."""

    def test_lines(self) -> None:
        """Messages come without their terminators; empty ones come, what is not ended waits."""
        self.assertEqual(split([b"a\r\nbc\r\n\r\nd"]), ([b"a", b"bc", b""], False))
        self.assertEqual(split([b"d", b"\r", b"\n\r", b"\n"]), ([b"d", b""], False))
        self.assertEqual(split([b"\r\r\n"]), ([b"\r"], False))
        self.assertEqual(split([]), ([], False))

    @given(streams, terminators, cuts, st.integers(1, 12) | st.just(MUCH))
    @settings(deadline=None, max_examples=300)
    def test_any_split(self, data: bytes, terminator: bytes, places: list[int], limit: int) -> None:
        """However a stream is cut, the messages are the same, and so is what is too big."""
        expected = lines(data, terminator, limit)
        self.assertEqual(split(cut_up(data, places), terminator, limit=limit), expected)
        self.assertEqual(split(cut_up(data, range(len(data))), terminator, limit=limit), expected)

    @given(streams, terminators, st.lists(st.integers(0, 3), max_size=60), st.integers(1, 12) | st.just(MUCH))
    @settings(deadline=None)
    def test_any_pace(self, data: bytes, terminator: bytes, pace: list[int], limit: int) -> None:
        """Messages may be taken later than they come; they are the same then."""
        splitter = splitter_for(terminator, Scan.ALL, limit)
        messages = []
        for packet, wanted in zip(cut_up(data, range(len(data))), [*pace, *[0] * len(data)], strict=False):
            splitter.feed(packet)
            messages += [splitter.take() for _ in range(wanted) if splitter.waiting]
        messages += drain(splitter)
        self.assertEqual((messages, splitter.too_big), lines(data, terminator, limit))

    def test_limit(self) -> None:
        """A message of the limit is good; a byte more is too big, as soon as no terminator can save it."""
        self.assertEqual(split([b"12345\r\n"], limit=5), ([b"12345"], False))
        self.assertEqual(split([b"12345", b"\r", b"\n"], limit=5), ([b"12345"], False))
        self.assertEqual(split([b"12345\r"], limit=5), ([], False))
        for packets in ([b"12345\rx"], [b"12345", b"\rx"], [b"123456\r\n"], [b"1234567"]):
            self.assertEqual(split(packets, limit=5), ([], True))

    def test_before_the_limit(self) -> None:
        """Messages before one that is too big are good; what comes after it is not kept."""
        splitter = splitter_for(b"\r\n", Scan.ALL, 3)
        splitter.feed(b"a\r\nb\r\n12345\r\nc\r\n")
        self.assertFalse(splitter.too_big)
        self.assertEqual(drain(splitter), [b"a", b"b"])
        splitter.feed(b"d\r\n")
        self.assertEqual((splitter.too_big, drain(splitter)), (True, []))

    def test_slow_stream(self) -> None:
        """Bytes that come one by one are not looked at again and again."""

        class Watched(bytearray):
            """Counts the bytes that something is looked for in."""

            looked_at = 0

            def find(self, wanted: Any, start: Any = 0, end: Any = None) -> int:
                """Look for it."""
                Watched.looked_at += len(self) - start
                return super().find(wanted, start, end)

        vars(terminator)["bytearray"] = Watched
        self.addCleanup(vars(terminator).pop, "bytearray")
        self.assertEqual(split([b"x"] * MUCH + [b"\r\n"]), ([b"x" * MUCH], False))
        self.assertLessEqual(Watched.looked_at, 3 * MUCH)


class AtTheEndTests(SynchronousTestCase):
    """`Scan.LATEST`: a message ends with the packet that ends with the terminator."""

    def split(self, *packets: bytes, limit: int = MUCH) -> tuple[list[bytes], bool]:
        """Split some packets."""
        return split(packets, scan=Scan.LATEST, limit=limit)

    def test_at_the_end(self) -> None:
        """What has come is a message once it ends with the terminator, with those within it."""
        self.assertEqual(self.split(b"a\r\nb\r\n"), ([b"a\r\nb"], False))
        self.assertEqual(self.split(b"a\r\nb", b"c\r\n", b"\r\n"), ([b"a\r\nbc", b""], False))
        self.assertEqual(self.split(b"a\r", b"\n", b"b\r\n"), ([b"a", b"b"], False))

    @given(packets, terminators)
    @settings(deadline=None)
    def test_any_packets(self, packets: list[bytes], terminator: bytes) -> None:
        """Whatever comes, a message is there whenever all that has come since the last ends with the terminator."""
        messages, since = [], b""
        for packet in packets:
            since += packet
            if since.endswith(terminator):
                messages.append(since.removesuffix(terminator))
                since = b""
        self.assertEqual(split(packets, terminator, Scan.LATEST), (messages, False))

    def test_limit(self) -> None:
        """A message of the limit is good; a byte more is too big, and nothing is taken in after it."""
        self.assertEqual(self.split(b"12345", b"\r", b"\n", limit=5), ([b"12345"], False))
        self.assertEqual(self.split(b"12\r\n5\r\n", limit=5), ([b"12\r\n5"], False))
        for packets in ((b"12345\rx",), (b"123456\r\n",), (b"12345", b"\r\n\r\n"), (b"123456", b"\r\n", b"a\r\n")):
            self.assertEqual(self.split(*packets, limit=5), ([], True))

    def test_later(self) -> None:
        """What is not taken at once waits, and stays apart; it is there, too, when something after it is too big."""
        splitter = splitter_for(b"\r\n", Scan.LATEST, 3)
        for packet in (b"a\r\n", b"b\r\n", b"12345"):
            splitter.feed(packet)
        self.assertTrue(splitter.too_big)
        self.assertEqual(drain(splitter), [b"a", b"b"])


class PacketTests(SynchronousTestCase):
    """`Scan.NONE`: nothing is looked for."""

    @given(packets)
    @settings(deadline=None)
    def test_any_packets(self, packets: list[bytes]) -> None:
        """Each packet is a message, terminators and all."""
        self.assertEqual(split(packets, scan=Scan.NONE), (packets, False))

    def test_later(self) -> None:
        """What is not taken at once waits, and stays apart."""
        splitter = splitter_for(b"\r\n", Scan.NONE, MUCH)
        for packet in (b"a", b"b\r\n"):
            splitter.feed(packet)
        self.assertEqual(drain(splitter), [b"a", b"b\r\n"])

    def test_limit(self) -> None:
        """A packet that is larger than a message may be comes in pieces."""
        self.assertEqual(split([b"1234567", b"89"], scan=Scan.NONE, limit=3), ([b"123", b"456", b"7", b"89"], False))
