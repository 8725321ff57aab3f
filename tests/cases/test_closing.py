"""Group 7: the closing handshake, its codes and reasons (RFC 6455 sections 5.5.1, 7.1 and 7.4)."""

from __future__ import annotations

from .frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close, closing, echo, frame
from .link import CLOSE_TIMEOUT, REASONS, CaseTestCase, Link

GOOD_CODES = (*range(1000, 1004), *range(1007, 1015), 3000, 3001, 3500, 3999, 4000, 4001, 4500, 4999)
"""Those that section 7.4 and its registry allow in a frame, with both ends of each range."""

BAD_CODES = (0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 32768, 65534, 65535)
"""Reserved ones, and both ends of each range that nobody may use."""

REASON_TEXTS = ("", "x", "Hello World!", "grüße, κόσμε, \U0001f600", "x" * 123, "\U0001f600" * 30 + "xyz", "\0")

BAD_REASONS = (b"\xff", b"\x80", b"ok \xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe2\x82")
"""The last one only lacks its end."""

AFTER_CLOSE = {
    "text": frame(TEXT, b"late"),
    "binary": frame(BINARY, b"late"),
    "a ping": frame(PING, b"late"),
    "a pong": frame(PONG, b"late"),
    "another Close": close(1001, b"again"),
    "a continuation": frame(CONTINUATION, b"late"),
    "a reserved opcode": frame(3, b"late"),
    "an unmasked frame": frame(TEXT, b"late", mask=None),
    "half a frame": frame(TEXT, b"late")[:4],
    "rubbish": b"\xff" * 200,
}


class CloseTestCase(CaseTestCase):
    """What these tests share."""

    def assert_left(self, link: Link, code: int, reason: str, *before: Frame) -> None:
        """A good Close was answered by one like it, and it ended the connection."""
        self.assert_frames(link, *before, Frame(CLOSE) if code == 1005 else closing(code, reason))
        self.assertEqual(link.told[-1], ("disconnect", code, reason))
        self.assertEqual(len([what for what in link.told if what[0] == "disconnect"]), 1)
        self.assert_closed(link)


class CodeTests(CloseTestCase):
    """What a client's Close frame carries."""

    def test_good_codes(self) -> None:
        """A code that may be used is told, and sent back (sections 5.5.1 and 7.4)."""
        for code in GOOD_CODES:
            for chop in (1, 1 << 16):
                with self.case("code", code, "in packets of", chop) as link:
                    link.send(close(code), chop)
                    self.assert_left(link, code, "")

    def test_bad_codes(self) -> None:
        """A code that may not be used fails the connection with 1002 (section 7.4)."""
        for code in BAD_CODES:
            for reason in (b"", b"because"):
                with self.case("code", code, "reason", reason) as link:
                    link.send(close(code, reason))
                    self.assert_failed(link, 1002)

    def test_no_code(self) -> None:
        """A Close without a code is told as 1005, and answered by one without (sections 5.5.1 and 7.1.5)."""
        with self.case("an empty Close") as link:
            link.send(close())
            self.assert_left(link, 1005, "")

    def test_half_a_code(self) -> None:
        """A Close of one byte fails the connection with 1002 (section 5.5.1)."""
        for octet in (b"\0", b"\x03", b"a", b"\xff"):
            with self.case("the byte", octet) as link:
                link.send(frame(CLOSE, octet))
                self.assert_failed(link, 1002)

    def test_reasons(self) -> None:
        """A reason of up to 123 bytes is told as text, and sent back (section 5.5.1)."""
        for reason in REASON_TEXTS:
            with self.case("reason", reason) as link:
                link.send(close(1000, reason.encode()))
                self.assert_left(link, 1000, reason)

    def test_bad_reasons(self) -> None:
        """A reason that is not UTF-8 fails the connection with 1007 (section 8.1)."""
        for reason in BAD_REASONS:
            for chop in (1, 1 << 16):
                with self.case("reason", reason, "in packets of", chop) as link:
                    link.send(close(1000, reason), chop)
                    self.assert_failed(link, 1007)

    def test_too_long(self) -> None:
        """A Close of more than 125 bytes fails the connection with 1002 (section 5.5)."""
        for size in (124, 125, 1000, 65536):
            with self.case("a reason of", size) as link:
                link.send(close(1000, b"x" * size))
                self.assert_failed(link, 1002)

    def test_unmasked(self) -> None:
        """An unmasked Close fails the connection with 1002 (section 5.1)."""
        with self.case("unmasked") as link:
            link.send(frame(CLOSE, (1000).to_bytes(2), mask=None))
            self.assert_failed(link, 1002)


class OrderTests(CloseTestCase):
    """What comes before a client's Close, and after it."""

    def test_after_a_message(self) -> None:
        """A message before it is echoed before the Close (section 5.5.1)."""
        for size in (0, 5, 256 * 1024):
            with self.case("a text of", size) as link:
                link.send(frame(TEXT, b"x" * size) + close(1000) + frame(PING, b"late"))
                self.assert_left(link, 1000, "", echo("x" * size))

    def test_nothing_after(self) -> None:
        """Whatever comes after it, in the same packet or later, is not read (section 5.5.1)."""
        for what, late in AFTER_CLOSE.items():
            for chop in (1, 1 << 16):
                with self.case(what, "in packets of", chop) as link:
                    link.send(close(3000, b"bye") + late, chop)
                    self.assert_left(link, 3000, "bye")
                    self.assert_told(link, ("disconnect", 3000, "bye"))

    def test_half_a_message(self) -> None:
        """A message that was not complete is never told (sections 5.4 and 7.1.1)."""
        for opcode in (TEXT, BINARY):
            with self.case("opcode", opcode) as link:
                link.send(frame(opcode, b"fragment1", fin=False) + close(1000) + frame(CONTINUATION, b"fragment2"))
                self.assert_left(link, 1000, "")
                self.assert_told(link, ("disconnect", 1000, ""))

    def test_half_a_frame(self) -> None:
        """A Close within a frame that is not complete is payload, and does not close (section 5.2)."""
        with self.case("half a frame, then Close") as link:
            link.send(frame(BINARY, b"x" * 10, size=100) + close(1000))
            self.assert_frames(link)
            link.vanish()
            self.assert_told(link, ("disconnect", 1006, ""))

    def test_lost(self) -> None:
        """A socket that closes without a Close frame is told as 1006, whatever was on its way (section 7.1.5)."""
        halves = {"nothing": b"", "a byte": b"\x81", "half a header": frame(TEXT, b"x" * 200)[:3]}
        halves |= {"half a frame": frame(TEXT, b"hello")[:8], "a fragment": frame(TEXT, b"hello", fin=False)}
        halves |= {"half a Close": close(1000)[:7]}
        for what, half in halves.items():
            with self.case(what) as link:
                link.send(half)
                link.vanish()
                self.assert_frames(link)
                self.assert_told(link, ("disconnect", 1006, ""))


class FailureTests(CloseTestCase):
    """How a connection ends whose client broke the protocol."""

    def test_any_answer(self) -> None:
        """Its own Close changes nothing: our code is told (sections 7.1.5 and 7.1.7)."""
        answers = (close(1002), close(4000, b"sorry"), close(), close(999), frame(CLOSE, b"x"), close(1000, b"\xff"))
        for answer in answers:
            for chop in (1, 1 << 16):
                with self.case("answer", answer.hex(), "in packets of", chop) as link:
                    link.send(frame(3) + answer, chop)
                    self.assert_failed(link, 1002)

    def test_only_once(self) -> None:
        """A client that goes on breaking the protocol is told so once, and so is the application (section 7.1.7)."""
        with self.case("everything that is wrong") as link:
            link.send(frame(3) + b"".join(AFTER_CLOSE.values()))
            link.send(b"\xff" * (1 << 20))
            self.assert_failed(link, 1002)

    def test_no_answer(self) -> None:
        """Without an answer the socket is dropped at the close time-out, and our code is told (section 7.1.1)."""
        with self.case("silent") as link:
            link.send(frame(3))
            self.assert_silent_failure(link, 1002)

    def test_lost(self) -> None:
        """A client that closes the socket instead is told with our code (section 7.1.5)."""
        with self.case("gone") as link:
            link.send(frame(3))
            link.vanish()
            self.assert_told(link, ("error", 1002), ("disconnect", 1002, REASONS[1002]))


class OwnCloseTests(CloseTestCase):
    """A closing handshake that the server begins."""

    def test_answered(self) -> None:
        """One Close goes out; the client's own ends the connection, and its code is told (sections 7.1.2 and 7.1.5)."""
        for code, reason, answer, told in (
            (1000, "", close(1000), (1000, "")),
            (4000, "bye", close(4000, b"bye"), (4000, "bye")),
            (4999, "x" * 123, close(3000, b"mine"), (3000, "mine")),
            (1001, "", close(), (1005, "")),
        ):
            with self.case("code", code) as link:
                done = link.connection.close(code, reason)
                link.wait(0)
                self.assert_frames(link, closing(code, reason))
                self.assertNoResult(done)
                self.assertFalse(link.closed)
                link.send(answer)
                self.successResultOf(done)
                self.assert_frames(link, closing(code, reason))
                self.assert_told(link, ("disconnect", *told))
                self.assert_closed(link)

    def test_only_once(self) -> None:
        """Nothing is sent after it, no message, no pong and no second Close (section 5.5.1)."""
        with self.case("everything after Close") as link:
            first = link.connection.close(4000, "bye")
            second = link.connection.close(4001, "again")
            self.assertFalse(link.connection.write_data("late"))
            self.assertEqual(self.echo.server.ping(), 0)
            self.assertEqual(self.echo.server.broadcast("late"), 0)
            link.send(frame(PING, b"late") + close(4000))
            self.successResultOf(first)
            self.successResultOf(second)
            self.assert_frames(link, closing(4000, "bye"))
            self.assert_told(link, ("disconnect", 4000, ""))

    def test_messages_on_their_way(self) -> None:
        """What the client sent before its own Close is still told (section 1.4)."""
        with self.case("text after our Close") as link:
            link.connection.close()
            link.send(frame(TEXT, b"on its way") + close(1000))
            self.assert_frames(link, closing(1000))
            self.assert_told(link, ("message", "on its way"), ("disconnect", 1000, ""))
            self.assert_closed(link)

    def test_at_once(self) -> None:
        """It goes out before the socket closes, even if the client's Close came with what brought it about (7.1.1)."""
        with self.case("a message and Close in one packet") as link:
            self.echo.server.on_message(lambda connection, text: connection.close(4001, "no"))
            link.send(frame(TEXT, b"close, please") + close(1000))
            self.assert_frames(link, echo("close, please"), closing(4001, "no"))
            self.assert_told(link, ("message", "close, please"), ("disconnect", 1000, ""))
            self.assert_closed(link)

    def test_no_answer(self) -> None:
        """A client that does not answer is dropped at the close time-out, and our code is told (section 7.1.1)."""
        with self.case("silent") as link:
            done = link.connection.close(4000, "bye")
            link.wait(CLOSE_TIMEOUT - 0.1)
            self.assertFalse(link.closed)
            link.wait(0.1)
            self.assertTrue(link.aborted)
            self.successResultOf(done)
            self.assert_frames(link, closing(4000, "bye"))
            self.assert_told(link, ("disconnect", 4000, "bye"))

    def test_lost(self) -> None:
        """A client that closes the socket instead is told with our code (section 7.1.5)."""
        with self.case("gone") as link:
            done = link.connection.close(4000, "bye")
            link.vanish()
            self.successResultOf(done)
            self.assert_told(link, ("disconnect", 4000, "bye"))

    def test_broken_answer(self) -> None:
        """A client that breaks the protocol instead is read no more, and gets no second Close (section 7.1.7)."""
        for what, answer in {"an opcode": frame(3), "a code": close(999), "a byte": frame(CLOSE, b"x")}.items():
            with self.case(what) as link:
                link.connection.close(4000, "bye")
                link.wait(0)
                link.send(answer)
                self.assert_frames(link, closing(4000, "bye"))
                self.assertTrue(link.ended)
                link.leave()
                self.assert_told(link, ("error", 1002), ("disconnect", 4000, "bye"))

    def test_everybody(self) -> None:
        """``disconnect_all`` says its code and reason to every client (section 7.1.2)."""
        links = [self.echo.connect() for _ in range(3)]
        self.assertEqual(self.echo.server.disconnect_all(4002, "all of you"), 3)
        for link in links:
            link.send(close(4002))
            self.assert_frames(link, closing(4002, "all of you"))
            self.assert_told(link, ("disconnect", 4002, ""))

    def test_stop(self) -> None:
        """A server that stops says 1001, and has stopped when the last client has answered (section 7.4.1)."""
        link = self.echo.connect()
        stopped = self.echo.server.stop()
        link.wait(0)
        self.assert_frames(link, closing(1001, "going away"))
        self.assertNoResult(stopped)
        link.send(close(1001))
        self.successResultOf(stopped)
        self.assert_told(link, ("disconnect", 1001, ""))

    def test_disconnect(self) -> None:
        """``disconnect`` closes the socket with no Close frame, which is told as 1006 (section 7.1.5)."""
        link = self.echo.connect()
        link.connection.disconnect()
        link.wait(0)
        self.assertTrue(link.aborted)
        self.assert_frames(link)
        self.assert_told(link, ("disconnect", 1006, ""))
