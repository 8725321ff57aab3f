"""Group 9: big messages, many messages, and the limits that the options set (RFC 6455 sections 5.2, 7.4.1 and 10.4)."""

from __future__ import annotations

from typing import Any, ClassVar

from sgcws import WebSocketOptions

from .frames import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, echo, fragments, frame
from .link import CaseTestCase, Link

KIB, MIB = 1 << 10, 1 << 20

SIZES = (64 * KIB, 256 * KIB, MIB, 4 * MIB)

CUT = ((256 * KIB, 64), (256 * KIB, 256), (MIB, KIB), (MIB, 4 * KIB), (MIB, 16 * KIB), (4 * MIB, 64 * KIB))
"""Messages of this size, each in fragments of that size."""

CHOPPED = ((MIB, 128), (MIB, 256), (MIB, 512), (MIB, KIB), (4 * MIB, 2 * KIB), (4 * MIB, 64 * KIB + 1))
"""Messages of this size, each in packets of that size."""


def text(size: int) -> str:
    """Return a text of *size* bytes, with characters of several sizes at any place."""
    pattern = "0123456789 grüße κόσμε \U0001f600 "
    length = len(pattern.encode())
    return pattern * (size // length) + "x" * (size % length)


def binary(size: int) -> bytes:
    """Return *size* bytes that repeat at no power of two."""
    pattern = bytes(range(251))
    return pattern * (size // 251) + pattern[: size % 251]


class BigMessageTests(CaseTestCase):
    """Messages from 64 KiB to 4 MiB."""

    def assert_echoes(self, link: Link, message: str | bytes, chop: int = 64 * KIB) -> None:
        """A message in one frame comes back as it went."""
        link.send(frame(*_parts(message)), chop)
        self.assert_echoed(link, message)

    def assert_echoed(self, link: Link, message: str | bytes) -> None:
        """The only message came back as it went."""
        self.assert_served(link, echo(message), told=[(_event(message), message)])

    def test_one_frame(self) -> None:
        """A big message in one frame comes back as it went (section 5.2)."""
        for size in SIZES:
            for message in (text(size), binary(size)):
                with self.case(_event(message), size) as link:
                    self.assert_echoes(link, message)

    def test_fragments(self) -> None:
        """A big message in fragments of any size comes back as it went (section 5.4)."""
        for size, cut in CUT:
            for message in (text(size), binary(size)):
                with self.case(_event(message), size, "in fragments of", cut) as link:
                    opcode, payload = _parts(message)
                    link.send(b"".join(fragments(opcode, payload, cut)))
                    self.assert_echoed(link, message)

    def test_packets(self) -> None:
        """A big frame in packets of any size comes back as it went (section 5.2)."""
        for size, chop in CHOPPED:
            for message in (text(size), binary(size)):
                with self.case(_event(message), size, "in packets of", chop) as link:
                    self.assert_echoes(link, message, chop)

    def test_ping_within(self) -> None:
        """A ping between the fragments of a big message is answered at once (section 5.4)."""
        with self.case("ping between fragments of 1 MiB") as link:
            for number, fragment in enumerate(fragments(BINARY, binary(4 * MIB), MIB)):
                link.send(frame(PING, b"%d" % number) + fragment)
            pongs = [Frame(PONG, b"%d" % number) for number in range(4)]
            message = binary(4 * MIB)
            self.assert_served(link, *pongs, echo(message), told=[("binary", message)])

    def test_many(self) -> None:
        """A thousand messages come back in their order, however many share a packet (section 5.4)."""
        for size in (0, 16, 256, 4096):
            for kind in (text, binary):
                with self.case("1000 of", kind.__name__, size) as link:
                    message = kind(size)
                    link.send(frame(*_parts(message)) * 1000)
                    self.assert_served(link, *[echo(message)] * 1000, told=[(_event(message), message)] * 1000)


class DefaultLimitTests(CaseTestCase):
    """A server whose options set no limit of their own."""

    def test_too_big(self) -> None:
        """A frame of more than 64 MiB fails the connection with 1009, before its payload comes (section 7.4.1)."""
        for size in (64 * MIB + 1, 1 << 32, (1 << 63) - 1):
            for opcode in (TEXT, BINARY):
                with self.case("opcode", opcode, "length", size) as link:
                    link.send(frame(opcode, size=size))
                    self.assert_silent_failure(link, 1009)

    def test_biggest(self) -> None:
        """A frame of 64 MiB may come (section 10.4)."""
        with self.case("the header of 64 MiB") as link:
            link.send(frame(BINARY, size=64 * MIB))
            self.assert_frames(link)
            link.vanish()
            self.assert_told(link, ("disconnect", 1006, ""))


class MessageLimitTests(CaseTestCase):
    """A server that takes messages of at most 1000 bytes."""

    options: ClassVar[dict[str, Any]] = {"websocket": WebSocketOptions(max_message_size=1000)}

    def test_just_fits(self) -> None:
        """A message of the limit itself is served, in one frame or many, one after the other (section 10.4)."""
        for message in (text(1000), binary(1000)):
            opcode, payload = _parts(message)
            with self.case(_event(message)) as link:
                for size in (1, 300, 999, 1000):
                    link.send(b"".join(fragments(opcode, payload, size)) + frame(PING))
                expected = [echo(message), Frame(PONG)] * 4
                self.assert_served(link, *expected, told=[(_event(message), message)] * 4)

    def test_one_frame(self) -> None:
        """A byte more fails the connection with 1009, and is never told (section 7.4.1)."""
        for size in (1001, 5000, 70000):
            for message in (text(size), binary(size)):
                for chop in (7, 64 * KIB):
                    with self.case(_event(message), size, "in packets of", chop) as link:
                        link.send(frame(*_parts(message)), chop)
                        self.assert_failed(link, 1009)

    def test_at_the_header(self) -> None:
        """It fails as soon as a header says so (section 10.4)."""
        with self.case("one frame") as link:
            link.send(frame(BINARY, size=1001))
            self.assert_silent_failure(link, 1009)
        with self.case("fragments") as link:
            link.send(frame(TEXT, b"x" * 600, fin=False) + frame(CONTINUATION, b"x" * 400, fin=False))
            self.assert_frames(link)
            link.send(frame(CONTINUATION, size=1, fin=False))
            self.assert_silent_failure(link, 1009)

    def test_fragments(self) -> None:
        """All fragments count together, and control frames between them do not (sections 5.4 and 10.4)."""
        for cut in (1, 100, 999, 1000):
            with self.case("fragments of", cut) as link:
                pieces = fragments(BINARY, binary(1001), cut)
                link.send((frame(PING, b"x" * 125) + pieces[0]) + b"".join(pieces[1:]))
                self.assert_failed(link, 1009, Frame(PONG, b"x" * 125))

    def test_what_came_before(self) -> None:
        """Messages before it are served, and those after it are not (section 7.1.7)."""
        with self.case("good, big, good") as link:
            link.send(frame(TEXT, b"good") + frame(TEXT, b"x" * 1001) + frame(TEXT, b"late") + frame(PING))
            self.assert_failed(link, 1009, echo("good"), told=[("message", "good")])


class FrameLimitTests(CaseTestCase):
    """A server that takes frames of at most 200 bytes."""

    options: ClassVar[dict[str, Any]] = {"websocket": WebSocketOptions(max_frame_size=200)}

    def test_just_fits(self) -> None:
        """Frames of the limit itself are served, whatever their message adds up to (section 10.4)."""
        with self.case("fragments of 200") as link:
            link.send(b"".join(fragments(BINARY, binary(10000), 200)) + frame(TEXT, b"x" * 200))
            told = [("binary", binary(10000)), ("message", "x" * 200)]
            self.assert_served(link, echo(binary(10000)), echo("x" * 200), told=told)

    def test_too_big(self) -> None:
        """A byte more fails the connection with 1009, in a first or a later fragment (section 7.4.1)."""
        big = b"x" * 201
        for what, data in {
            "whole": frame(TEXT, big),
            "first": frame(TEXT, big, fin=False) + frame(CONTINUATION),
            "last": frame(TEXT, b"x", fin=False) + frame(CONTINUATION, big),
        }.items():
            with self.case(what) as link:
                link.send(data)
                self.assert_failed(link, 1009)


def _parts(message: str | bytes) -> tuple[int, bytes]:
    return (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)


def _event(message: str | bytes) -> str:
    return "message" if isinstance(message, str) else "binary"
