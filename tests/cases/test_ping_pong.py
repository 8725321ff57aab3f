"""Group 2: pings and pongs (RFC 6455 sections 5.5.2 and 5.5.3)."""

from __future__ import annotations

from .frames import CONTINUATION, PING, PONG, TEXT, Frame, echo, frame
from .link import CaseTestCase

PAYLOADS = (b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125)
CHOPS = (1, 3, 1 << 16)


class PingTests(CaseTestCase):
    """Pings of a client."""

    def test_pong(self) -> None:
        """A ping is answered by one pong with the same payload, and the application hears nothing (section 5.5.2)."""
        for payload in PAYLOADS:
            for chop in CHOPS:
                with self.case("payload", payload, "in packets of", chop) as link:
                    link.send(frame(PING, payload), chop)
                    self.assert_served(link, Frame(PONG, payload))

    def test_every_length(self) -> None:
        """A ping of any allowed length has its pong (section 5.5)."""
        with self.case("lengths 0 to 125") as link:
            payloads = [bytes([size]) * size for size in range(126)]
            link.send(b"".join(frame(PING, payload) for payload in payloads))
            self.assert_served(link, *(Frame(PONG, payload) for payload in payloads))

    def test_too_long(self) -> None:
        """A ping or pong of more than 125 bytes fails the connection with 1002 (section 5.5)."""
        for opcode in (PING, PONG):
            for size in (126, 127, 65535, 65536):
                for chop in (1 if size < 1000 else 997, 1 << 16):
                    with self.case("opcode", opcode, "length", size, "in packets of", chop) as link:
                        link.send(frame(opcode, b"\xfe" * size), chop)
                        self.assert_failed(link, 1002)

    def test_ten_pings(self) -> None:
        """Ten pings in a row have ten pongs in their order, however they are cut into packets (section 5.5.3)."""
        payloads = [b"payload-%d" % number for number in range(10)]
        for chop in CHOPS:
            with self.case("in packets of", chop) as link:
                link.send(b"".join(frame(PING, payload) for payload in payloads), chop)
                self.assert_served(link, *(Frame(PONG, payload) for payload in payloads))

    def test_within_a_message(self) -> None:
        """A ping between two fragments is answered before the message is complete (sections 5.4 and 5.5.2)."""
        with self.case("ping between fragments") as link:
            link.send(frame(TEXT, b"Hel", fin=False) + frame(PING, b"now?"))
            self.assert_frames(link, Frame(PONG, b"now?"))
            self.assert_told(link)
            link.send(frame(CONTINUATION, b"lo"))
            self.assert_served(link, Frame(PONG, b"now?"), echo("Hello"), told=[("message", "Hello")])


class PongTests(CaseTestCase):
    """Pongs of a client."""

    def test_unsolicited(self) -> None:
        """A pong that nobody asked for is ignored (section 5.5.3)."""
        for payload in PAYLOADS:
            for chop in CHOPS:
                with self.case("payload", payload, "in packets of", chop) as link:
                    link.send(frame(PONG, payload), chop)
                    self.assert_served(link)

    def test_unsolicited_then_ping(self) -> None:
        """After such a pong a ping is answered, and only the ping (section 5.5.3)."""
        with self.case("pong, ping") as link:
            link.send(frame(PONG, b"unsolicited") + frame(PING, b"ping"))
            self.assert_served(link, Frame(PONG, b"ping"))

    def test_answer(self) -> None:
        """The server's own ping goes out with its payload, and the pong to it is not answered (section 5.5.2)."""
        for payload in PAYLOADS:
            with self.case("payload", payload) as link:
                self.assertEqual(self.echo.server.ping(payload), 1)
                link.send(frame(PONG, payload))
                self.assert_served(link, Frame(PING, payload))
