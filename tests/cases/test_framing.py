"""Group 1: whole messages of every class of length, and the header of their frames (RFC 6455 section 5.2)."""

from __future__ import annotations

from .frames import BINARY, MASK, PING, TEXT, Frame, echo, frame
from .link import CaseTestCase

LENGTHS = (0, 1, 125, 126, 127, 128, 65535, 65536)
"""Both ends of what each form of the length carries."""

MASKS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x37\xfa\x21\x3d", b"\0\0\0\x01", b"\x80\0\0\0")

TOO_LONG_FORMS = ((0, 16), (125, 16), (0, 64), (125, 64), (126, 64), (65535, 64))
"""Lengths, each with a form that carries it in more bits than it needs."""

TOLD = {TEXT: "message", BINARY: "binary"}


def data(opcode: int, size: int) -> str | bytes:
    """Return a message of *size* bytes."""
    return "*" * size if opcode == TEXT else bytes(range(256)) * (size // 256) + bytes(range(size % 256))


def wire(opcode: int, message: str | bytes) -> bytes:
    """Return the frame that carries a message."""
    return frame(opcode, message.encode() if isinstance(message, str) else message)


class FramingTests(CaseTestCase):
    """Messages in one frame each."""

    def assert_echoes(self, opcode: int, size: int, chop: int) -> None:
        """A message comes back as it went, when it is sent in packets of *chop* bytes."""
        with self.case("opcode", opcode, "length", size, "in packets of", chop) as link:
            message = data(opcode, size)
            link.send(wire(opcode, message), chop)
            self.assert_served(link, echo(message), told=[(TOLD[opcode], message)])

    def test_text(self) -> None:
        """A text message of any length comes back as one text frame (sections 5.2 and 5.6)."""
        for size in LENGTHS:
            self.assert_echoes(TEXT, size, chop=1 << 20)

    def test_binary(self) -> None:
        """A binary message of any length comes back as one binary frame (sections 5.2 and 5.6)."""
        for size in LENGTHS:
            self.assert_echoes(BINARY, size, chop=1 << 20)

    def test_single_octets(self) -> None:
        """A frame that comes octet by octet is the same frame (section 5.2)."""
        for opcode in (TEXT, BINARY):
            for size in LENGTHS[:6]:
                self.assert_echoes(opcode, size, chop=1)

    def test_single_octets_of_a_header(self) -> None:
        """The longer forms of the length may come octet by octet too (section 5.2)."""
        for opcode in (TEXT, BINARY):
            for size in LENGTHS[6:]:
                with self.case("opcode", opcode, "length", size) as link:
                    message = data(opcode, size)
                    link.send(wire(opcode, message)[:20], 1)
                    self.assert_frames(link)
                    link.send(wire(opcode, message)[20:])
                    self.assert_served(link, echo(message), told=[(TOLD[opcode], message)])

    def test_odd_packets(self) -> None:
        """Packets that end anywhere in a long frame make no difference (section 5.2)."""
        for opcode in (TEXT, BINARY):
            for size in (65535, 65536):
                for chop in (127, 997, 1460, 65535):
                    self.assert_echoes(opcode, size, chop)

    def test_masks(self) -> None:
        """Any mask is taken off, wherever the packets end (section 5.3)."""
        for mask in MASKS:
            for chop in (1, 3, 4, 5, 1 << 20):
                with self.case("mask", mask.hex(), "in packets of", chop) as link:
                    message = "\0\1\2" + "grüße " * 40
                    link.send(frame(TEXT, message.encode(), mask=mask), chop)
                    self.assert_served(link, echo(message), told=[("message", message)])

    def test_unmasked(self) -> None:
        """A client's frame without a mask fails the connection with 1002 (section 5.1)."""
        for opcode in (TEXT, BINARY, PING):
            for payload in (b"", b"hello", b"x" * 125):
                with self.case("opcode", opcode, "length", len(payload)) as link:
                    link.send(frame(opcode, payload, mask=None))
                    self.assert_failed(link, 1002)

    def test_longer_form(self) -> None:
        """A length in more bytes than it needs fails the connection with 1002 (section 5.2)."""
        for size, form in TOO_LONG_FORMS:
            for opcode in (TEXT, BINARY):
                with self.case("opcode", opcode, "length", size, "in", form, "bits") as link:
                    link.send(frame(opcode, b"x" * size, form=form))
                    self.assert_failed(link, 1002)

    def test_top_bit(self) -> None:
        """A length of 2^63 or more fails the connection with 1002, before its payload comes (section 5.2)."""
        for size in (1 << 63, (1 << 63) + 5, (1 << 64) - 1):
            with self.case("length", size) as link:
                link.send(frame(BINARY, size=size))
                self.assert_silent_failure(link, 1002)

    def test_frame_within(self) -> None:
        """Payload that looks like a frame is payload (section 5.2)."""
        inner = frame(PING, b"not a ping")
        with self.case("a ping within a message") as link:
            link.send(frame(BINARY, inner, mask=MASK))
            self.assert_served(link, Frame(BINARY, inner), told=[("binary", inner)])
