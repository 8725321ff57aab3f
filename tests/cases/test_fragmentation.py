"""Group 5: messages in fragments (RFC 6455 section 5.4)."""

from __future__ import annotations

from .frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, echo, fragments, frame
from .link import CaseTestCase

CHOPS = (1, 1 << 16)
WHOLE = "fragment1fragment2"
FIRST = frame(TEXT, b"fragment1", fin=False)
LAST = frame(CONTINUATION, b"fragment2")
MORE = frame(CONTINUATION, b"fragment2", fin=False)

OUT_OF_PLACE = {
    "a final continuation of nothing": frame(CONTINUATION, b"nothing"),
    "an empty final continuation of nothing": frame(CONTINUATION),
    "a continuation of nothing": frame(CONTINUATION, b"nothing", fin=False),
    "an empty continuation of nothing": frame(CONTINUATION, fin=False),
    "a continuation of a whole message": frame(TEXT, b"fragment1", fin=True) + LAST,
    "a continuation of a fragmented message": FIRST + LAST + LAST,
    "a text frame within a text message": FIRST + frame(TEXT, b"fragment2"),
    "a text fragment within a text message": FIRST + frame(TEXT, b"fragment2", fin=False),
    "a binary frame within a text message": FIRST + frame(BINARY, b"fragment2"),
    "a text frame within a binary message": frame(BINARY, b"1", fin=False) + frame(TEXT, b"2"),
    "a binary frame within a binary message": frame(BINARY, b"1", fin=False) + frame(BINARY, b"2"),
    "a text frame after a pong within a message": FIRST + frame(PONG) + MORE + frame(TEXT, b"3"),
}
"""What is sent, and is wrong with its last frame."""

SERVED = {"a continuation of a whole message": "fragment1", "a continuation of a fragmented message": WHOLE}
"""What is echoed before it goes wrong."""

LATE = (frame(TEXT, b"late"), frame(PING, b"late"), FIRST + LAST, LAST, frame(BINARY, b"late", fin=False))


class MessageTests(CaseTestCase):
    """Messages in fragments, in the right order."""

    def test_two_fragments(self) -> None:
        """A message in two fragments is told and echoed once, whole, when its last has come (section 5.4)."""
        for chop in CHOPS:
            with self.case("in packets of", chop) as link:
                link.send(FIRST, chop)
                self.assert_frames(link)
                self.assert_told(link)
                link.send(LAST, chop)
                self.assert_served(link, echo(WHOLE), told=[("message", WHOLE)])

    def test_any_fragments(self) -> None:
        """Fragments of any size make the same message, text or binary (section 5.4)."""
        text = "grüße, welt: " * 50
        for size in (1, 2, 3, 125, 126, 127, 500, 1000):
            for chop in (5, 1 << 16):
                with self.case("fragments of", size, "in packets of", chop) as link:
                    link.send(b"".join(fragments(TEXT, text.encode(), size)), chop)
                    link.send(b"".join(fragments(BINARY, text.encode(), size)), chop)
                    told = [("message", text), ("binary", text.encode())]
                    self.assert_served(link, echo(text), echo(text.encode()), told=told)

    def test_empty_fragments(self) -> None:
        """Empty fragments add nothing, wherever they are (section 5.4)."""
        for parts in ((b"", b"", b""), (b"", b"middle", b""), (b"first", b"", b""), (b"", b"", b"last"), (b"", b"")):
            for opcode in (TEXT, BINARY):
                with self.case("opcode", opcode, parts) as link:
                    for number, part in enumerate(parts):
                        link.send(frame(CONTINUATION if number else opcode, part, fin=number == len(parts) - 1))
                    whole: str | bytes = b"".join(parts) if opcode == BINARY else b"".join(parts).decode()
                    self.assert_served(link, echo(whole), told=[("binary" if opcode == BINARY else "message", whole)])

    def test_pings_between(self) -> None:
        """Pings between fragments have their pongs at once, before the message's echo (sections 5.4 and 5.5)."""
        parts = [b"fragment%d" % number for number in range(1, 6)]
        for chop in CHOPS:
            with self.case("in packets of", chop) as link:
                for number, part in enumerate(parts):
                    link.send(frame(CONTINUATION if number else TEXT, part, fin=number == 4), chop)
                    link.send(frame(PING, b"ping%d" % number) if number < 4 else b"", chop)
                    self.assertEqual(len(link.frames()), number + 1)
                pongs = [Frame(PONG, b"ping%d" % number) for number in range(4)]
                whole = b"".join(parts).decode()
                self.assert_served(link, *pongs, echo(whole), told=[("message", whole)])

    def test_pongs_between(self) -> None:
        """Pongs between fragments are ignored (sections 5.4 and 5.5.3)."""
        with self.case("a pong between fragments") as link:
            link.send(FIRST + frame(PONG, b"pong") + LAST)
            self.assert_served(link, echo(WHOLE), told=[("message", WHOLE)])

    def test_message_after_message(self) -> None:
        """Fragmented and whole messages follow each other (section 5.4)."""
        with self.case("fragmented, whole, fragmented") as link:
            link.send(FIRST + LAST + frame(BINARY, b"whole") + FIRST + MORE + LAST)
            second = WHOLE + "fragment2"
            told = [("message", WHOLE), ("binary", b"whole"), ("message", second)]
            self.assert_served(link, echo(WHOLE), echo(b"whole"), echo(second), told=told)


class OrderTests(CaseTestCase):
    """Fragments in the wrong order."""

    def test_out_of_place(self) -> None:
        """A frame out of its place fails the connection with 1002 (section 5.4)."""
        for what, data in OUT_OF_PLACE.items():
            for chop in CHOPS:
                with self.case(what, "in packets of", chop) as link:
                    link.send(data, chop)
                    text = SERVED.get(what)
                    frames, told = ([echo(text)], [("message", text)]) if text else ([], [])
                    self.assert_failed(link, 1002, *frames, told=told)

    def test_what_follows(self) -> None:
        """What follows a frame out of its place has no effect, be it right or wrong (section 7.1.7)."""
        for what, data in OUT_OF_PLACE.items():
            for more in LATE:
                with self.case(what, "and then", more[:1].hex()) as link:
                    link.send(data + more)
                    text = SERVED.get(what)
                    frames, told = ([echo(text)], [("message", text)]) if text else ([], [])
                    self.assert_failed(link, 1002, *frames, told=told)

    def test_again_and_again(self) -> None:
        """A client that goes on breaking the order is told so once (sections 5.4 and 7.1.7)."""
        with self.case("five continuations of nothing") as link:
            link.send(frame(CONTINUATION, b"nothing", fin=False) + frame(TEXT, b"text"))
            link.send(frame(CONTINUATION, b"nothing") * 5)
            self.assert_failed(link, 1002)


class ControlTests(CaseTestCase):
    """Control frames in fragments, which may not be."""

    def test_ping_and_pong(self) -> None:
        """A ping or pong that is not final fails the connection with 1002 and has no answer (section 5.5)."""
        for opcode in (PING, PONG):
            for payload in (b"", b"fragment1"):
                for rest in (b"", frame(CONTINUATION, b"fragment2")):
                    for chop in CHOPS:
                        with self.case("opcode", opcode, payload, "and", len(rest), "in packets of", chop) as link:
                            link.send(frame(opcode, payload, fin=False) + rest, chop)
                            self.assert_failed(link, 1002)

    def test_close(self) -> None:
        """A Close that is not final is answered by one Close 1002 (section 5.5)."""
        for chop in CHOPS:
            with self.case("in packets of", chop) as link:
                link.send(frame(CLOSE, (1000).to_bytes(2), fin=False), chop)
                self.assert_failed(link, 1002)

    def test_within_a_message(self) -> None:
        """One between two fragments fails the connection, and the message is never told (sections 5.4 and 5.5)."""
        with self.case("a fragmented ping within a message") as link:
            link.send(FIRST + frame(PING, b"ping", fin=False) + LAST)
            self.assert_failed(link, 1002)
