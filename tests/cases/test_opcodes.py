"""Group 4: reserved opcodes (RFC 6455 section 5.2)."""

from __future__ import annotations

from .frames import CONTINUATION, PING, PONG, TEXT, Frame, echo, frame
from .link import CaseTestCase

RESERVED_DATA = range(3, 8)
RESERVED_CONTROL = range(11, 16)
RESERVED = (*RESERVED_DATA, *RESERVED_CONTROL)
CHOPS = (1, 1 << 16)


class OpcodeTests(CaseTestCase):
    """Frames of kinds that are not defined."""

    def test_alone(self) -> None:
        """A frame of a reserved opcode fails the connection with 1002, and has no effect (section 5.2)."""
        for opcode in RESERVED:
            for payload in (b"", b"reserved opcode payload", b"x" * 125):
                for chop in CHOPS:
                    with self.case("opcode", opcode, "length", len(payload), "in packets of", chop) as link:
                        link.send(frame(opcode, payload), chop)
                        self.assert_failed(link, 1002)

    def test_long(self) -> None:
        """A long one does the same, whatever its length (sections 5.2 and 5.5)."""
        for opcode in RESERVED:
            for size in (126, 65536):
                with self.case("opcode", opcode, "length", size) as link:
                    link.send(frame(opcode, b"x" * size))
                    self.assert_failed(link, 1002)

    def test_after_a_message(self) -> None:
        """What came before it is served, and what comes after it is not (sections 5.2 and 7.1.7)."""
        for opcode in RESERVED:
            for chop in CHOPS:
                with self.case("opcode", opcode, "in packets of", chop) as link:
                    link.send(frame(TEXT, b"good") + frame(opcode, b"bad") + frame(PING) + frame(TEXT, b"late"), chop)
                    self.assert_failed(link, 1002, echo("good"), told=[("message", "good")])

    def test_not_final(self) -> None:
        """One that is not final does the same (section 5.4)."""
        for opcode in RESERVED:
            with self.case("opcode", opcode) as link:
                link.send(frame(PING, b"early") + frame(opcode, b"bad", fin=False))
                self.assert_failed(link, 1002, Frame(PONG, b"early"))

    def test_within_a_message(self) -> None:
        """One between two fragments fails the connection, and the message is never told (section 5.4)."""
        for opcode in RESERVED:
            with self.case("opcode", opcode) as link:
                link.send(frame(TEXT, b"Hel", fin=False) + frame(opcode, b"bad") + frame(CONTINUATION, b"lo"))
                self.assert_failed(link, 1002)
