"""Group 3: the reserved bits, which no extension has been agreed on for (RFC 6455 section 5.2)."""

from __future__ import annotations

from .frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, echo, frame
from .link import CaseTestCase

CHOPS = (1, 1 << 16)


class ReservedBitTests(CaseTestCase):
    """Frames with a reserved bit set."""

    def test_every_frame(self) -> None:
        """A reserved bit in any frame fails the connection with 1002, and the frame has no effect (section 5.2)."""
        for rsv in range(1, 8):
            for opcode in (TEXT, BINARY, PING, PONG):
                for payload in (b"", b"Hello, world!"):
                    for chop in CHOPS:
                        with self.case("rsv", rsv, "opcode", opcode, payload, "in packets of", chop) as link:
                            link.send(frame(opcode, payload, rsv=rsv), chop)
                            self.assert_failed(link, 1002)

    def test_after_a_message(self) -> None:
        """What came before it is served, and what comes after it is not (sections 5.2 and 7.1.7)."""
        for rsv in range(1, 8):
            for chop in CHOPS:
                with self.case("rsv", rsv, "in packets of", chop) as link:
                    link.send(frame(TEXT, b"good") + frame(TEXT, b"bad", rsv=rsv), chop)
                    link.send(frame(PING, b"late") + frame(TEXT, b"late"), chop)
                    self.assert_failed(link, 1002, echo("good"), told=[("message", "good")])

    def test_continuation(self) -> None:
        """A reserved bit in a later fragment fails the connection, and the message is never told (section 5.2)."""
        for rsv in range(1, 8):
            with self.case("rsv", rsv) as link:
                link.send(frame(TEXT, b"good", fin=False) + frame(CONTINUATION, b"bad", rsv=rsv))
                self.assert_failed(link, 1002)

    def test_close(self) -> None:
        """A Close frame with a reserved bit is answered by one Close 1002 (section 5.2)."""
        for rsv in range(1, 8):
            for chop in CHOPS:
                with self.case("rsv", rsv, "in packets of", chop) as link:
                    link.send(frame(CLOSE, (1000).to_bytes(2), rsv=rsv), chop)
                    self.assert_failed(link, 1002)

    def test_ping_before(self) -> None:
        """A ping before it has its pong (section 5.5.2)."""
        with self.case("ping, then a bit") as link:
            link.send(frame(PING, b"early") + frame(BINARY, b"bad", rsv=4) + frame(PING, b"late"))
            self.assert_failed(link, 1002, Frame(PONG, b"early"))
