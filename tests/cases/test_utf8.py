"""Group 6: text that is UTF-8, and text that is not (RFC 6455 section 8.1, RFC 3629)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from sgcws import WebSocketOptions

from .frames import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, close, closing, echo, fragments, frame
from .link import REASONS, CaseTestCase, Link

TAIL = (0x80, 0xBF)

CHARACTERS = (
    ((0x00, 0x7F),),
    ((0xC2, 0xDF), TAIL),
    ((0xE0, 0xE0), (0xA0, 0xBF), TAIL),
    ((0xE1, 0xEC), TAIL, TAIL),
    ((0xED, 0xED), (0x80, 0x9F), TAIL),
    ((0xEE, 0xEF), TAIL, TAIL),
    ((0xF0, 0xF0), (0x90, 0xBF), TAIL, TAIL),
    ((0xF1, 0xF3), TAIL, TAIL, TAIL),
    ((0xF4, 0xF4), (0x80, 0x8F), TAIL, TAIL),
)
"""The octets that a character may have, each from the first to the last (RFC 3629 section 4)."""

BEFORE, AFTER = "κόσμε".encode(), b"edited"


def encoded(number: int, size: int) -> bytes:
    """Write a number in the way of UTF-8 in 1 to 6 octets, whether that is allowed or not."""
    if size == 1:
        return bytes([number])
    tails = [0x80 | number >> 6 * place & 0x3F for place in reversed(range(size - 1))]
    lead = 0xFF00 >> size & 0xFF | number >> 6 * (size - 1)
    return bytes([lead, *tails])


def wrong_at(data: bytes) -> int | None:
    """
    Return where *data* can no longer become UTF-8.

    Returns:
        The position of the first octet that cannot be there; the length if only the end is missing; None if it is
        UTF-8.
    """
    started: list[tuple[tuple[int, int], ...]] = []
    for position, octet in enumerate(data):
        rests = started or list(CHARACTERS)
        rests = [rest[1:] for rest in rests if rest[0][0] <= octet <= rest[0][1]]
        if not rests:
            return position
        started = [rest for rest in rests if rest]
    return len(data) if started else None


FIRST_AND_LAST = {1: (0x00, 0x7F), 2: (0x80, 0x7FF), 3: (0x800, 0xFFFF), 4: (0x10000, 0x10FFFF)}
"""The first and the last character of each size."""

VALID = {
    "nothing": "",
    "ASCII": "Hello, world!",
    "Greek": "κόσμε",
    "several sizes": "Hello-µ@ßöäüàá-UTF-8!!",
    "East Asian": "漢字かな交じり文 한국어",
    "outside the first plane": "\U0001f600\U00020000\U000e0001",
    "byte order mark": "\ufeffstays",
    "NUL and controls": "\0\1\x1b\x7f\x80\x9f",
    "next to the surrogates": "\ud7ff\ue000",
    "replacement character": "\ufffd",
    "last of all": "\U0010ffff",
    "combining": "e\u0301\u0323",
}

NONCHARACTERS = [plane << 16 | 0xFFFE | last for plane in range(17) for last in (0, 1)] + [*range(0xFDD0, 0xFDF0)]

SURROGATES = (0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF)


def beyond() -> Iterator[tuple[str, bytes]]:
    """Yield numbers that no character has."""
    for number, size in ((0x110000, 4), (0x1FFFFF, 4), (0x200000, 5), (0x3FFFFFF, 5), (0x4000000, 6), (0x7FFFFFFF, 6)):
        yield f"{number:#x} in {size} octets", encoded(number, size)


def overlong() -> Iterator[tuple[str, bytes]]:
    """Yield characters in more octets than they need."""
    for number in (0x00, 0x2F, 0x7F):
        for size in range(2, 7):
            yield f"{number:#x} in {size} octets", encoded(number, size)
    for number, size in ((0x7FF, 3), (0xFFFF, 4), (0x1FFFFF, 5), (0x3FFFFFF, 6)):
        yield f"{number:#x} in {size} octets", encoded(number, size)


def surrogates() -> Iterator[tuple[str, bytes]]:
    """Yield surrogates, alone and in pairs."""
    for high in SURROGATES:
        yield f"{high:#x}", encoded(high, 3)
        for low in SURROGATES[4:]:
            yield f"{high:#x} and {low:#x}", encoded(high, 3) + encoded(low, 3)


def lonely() -> Iterator[tuple[str, bytes]]:
    """Yield tails without a start, starts without a tail, and octets that are neither."""
    for octet in range(0x80, 0x100):
        yield f"{octet:#x} alone", bytes([octet])
        yield f"{octet:#x} and a space", bytes([octet, 0x20])
    for count in range(2, 8):
        yield f"{count} tails", (b"\x80\xbf" * 4)[:count]
    yield "every tail", bytes(range(0x80, 0xC0))
    yield "octets that are never used", b"\xfe\xfe\xff\xff"


def incomplete() -> Iterator[tuple[str, bytes]]:
    """Yield characters that miss octets at their end, alone and one after the other."""
    cut = [encoded(number, size)[:-1] for size, numbers in FIRST_AND_LAST.items() if size > 1 for number in numbers]
    for data in cut:
        for size in range(1, len(data) + 1):
            yield f"{data[:size].hex()} of more", data[:size]
            yield f"{data[:size].hex()} and a letter", data[:size] + b"x"
    yield "all of these", b"".join(cut)


def second_octets() -> Iterator[tuple[str, bytes]]:
    """Yield every kind of start with a second octet from either side of each border."""
    for lead in (0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5):
        size = 2 + (lead >= 0xE0) + (lead >= 0xF0)
        for second in (0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0):
            yield f"{lead:#x} {second:#x}", bytes([lead, second]) + b"\x80" * (size - 2)


def invalid() -> Iterator[tuple[str, bytes]]:
    """Yield all that is not UTF-8."""
    for cases in (beyond, overlong, surrogates, lonely, incomplete, second_octets):
        yield from ((f"{cases.__name__}: {what}", data) for what, data in cases() if wrong_at(data) is not None)


def valid() -> Iterator[tuple[str, str]]:
    """Yield all that is UTF-8."""
    yield from VALID.items()
    yield "noncharacters", "".join(map(chr, NONCHARACTERS))
    for size, numbers in FIRST_AND_LAST.items():
        yield f"first and last of {size} octets", "".join(map(chr, numbers))
    for what, data in second_octets():
        if wrong_at(data) is None:
            yield what, data.decode()


def in_octets(data: bytes) -> list[bytes]:
    """Write a text as one frame, cut after each octet of its payload."""
    whole = frame(TEXT, data)
    start = len(whole) - len(data)
    return [whole[:start] + whole[start : start + 1], *(bytes([octet]) for octet in whole[start + 1 :])]


class ValidTests(CaseTestCase):
    """Text that is UTF-8."""

    def test_whole(self) -> None:
        """Text comes back as it went, to the last character (section 5.6)."""
        for what, text in valid():
            for chop in (1, 1 << 16):
                with self.case(what, "in packets of", chop) as link:
                    link.send(frame(TEXT, text.encode()), chop)
                    self.assert_served(link, echo(text), told=[("message", text)])

    def test_within_characters(self) -> None:
        """Fragments may end within a character (section 5.6)."""
        for what, text in valid():
            for size in (1, 2, 3):
                with self.case(what, "in fragments of", size) as link:
                    link.send(b"".join(fragments(TEXT, text.encode(), size)))
                    self.assert_served(link, echo(text), told=[("message", text)])

    def test_every_split(self) -> None:
        """Two fragments may split a text anywhere, with a ping between them (sections 5.4 and 5.6)."""
        text = VALID["several sizes"] + VALID["outside the first plane"]
        data = text.encode()
        for cut in range(len(data) + 1):
            with self.case("split at", cut) as link:
                link.send(frame(TEXT, data[:cut], fin=False) + frame(PING) + frame(CONTINUATION, data[cut:]))
                self.assert_served(link, Frame(PONG), echo(text), told=[("message", text)])

    def test_one_after_another(self) -> None:
        """Each text is looked at by itself (section 8.1)."""
        with self.case("all in a row") as link:
            texts = [text for _, text in valid()]
            link.send(b"".join(frame(TEXT, text.encode()) for text in texts))
            self.assert_served(link, *map(echo, texts), told=[("message", text) for text in texts])

    def test_binary(self) -> None:
        """A binary message may hold anything (section 5.6)."""
        with self.case("all that is no text") as link:
            messages = [data for _, data in invalid()]
            link.send(b"".join(frame(BINARY, data) for data in messages))
            self.assert_served(link, *map(echo, messages), told=[("binary", data) for data in messages])


class InvalidTests(CaseTestCase):
    """Text that is not UTF-8: it fails the connection with 1007, and is never told."""

    def test_table(self) -> None:
        """The table of these tests says the same as Python's own decoder (RFC 3629 section 4)."""
        for what, data in invalid():
            with self.assertRaises(UnicodeDecodeError, msg=what):
                data.decode()
        for what, text in valid():
            self.assertIsNone(wrong_at(text.encode()), what)

    def test_whole(self) -> None:
        """Invalid text in one frame fails the connection with 1007 (section 8.1)."""
        for what, data in invalid():
            with self.case(what) as link:
                link.send(frame(TEXT, data))
                self.assert_failed(link, 1007)

    def test_at_once(self) -> None:
        """It fails at the first octet that cannot be there, before the frame is complete (sections 5.6 and 8.1)."""
        for what, data in invalid():
            with self.case(what, "octet by octet") as link:
                self._fail_at(link, in_octets(BEFORE + data + AFTER), wrong_at(BEFORE + data + AFTER))

    def test_fragments(self) -> None:
        """It fails at the first fragment that cannot be there, before the message ends (sections 5.6 and 8.1)."""
        for what, data in invalid():
            with self.case(what, "in fragments of one octet") as link:
                pieces = fragments(TEXT, BEFORE + data, 1, fin=False)
                wrong = wrong_at(BEFORE + data)
                self._fail_at(link, [*pieces, frame(CONTINUATION)], wrong)

    def _fail_at(self, link: Link, pieces: list[bytes], wrong: int | None) -> None:
        """The packet numbered *wrong* fails the connection, and the rest is not listened to."""
        assert wrong is not None
        link.send_pieces(pieces[:wrong])
        self.assert_frames(link)
        link.send_pieces(pieces[wrong : wrong + 1])
        self.assert_frames(link, closing(1007, REASONS[1007]))
        link.send_pieces(pieces[wrong + 1 :])
        self.assert_failed(link, 1007)

    def test_after_a_message(self) -> None:
        """What came before it is echoed, and what comes after it is not (section 7.1.7)."""
        with self.case("good, bad, good") as link:
            link.send(frame(TEXT, b"good") + frame(TEXT, b"bad\xff") + frame(TEXT, b"late") + frame(PING, b"late"))
            self.assert_failed(link, 1007, echo("good"), told=[("message", "good")])

    def test_control_frame_within(self) -> None:
        """A ping within it is answered as long as it may still become text (sections 5.4 and 8.1)."""
        with self.case("half a character, ping, no other half") as link:
            link.send(frame(TEXT, b"\xce", fin=False) + frame(PING, b"now") + frame(CONTINUATION, b"\xce"))
            self.assert_failed(link, 1007, Frame(PONG, b"now"))

    def test_no_answer(self) -> None:
        """A client that never says Close is dropped at the close time-out (section 7.1.1)."""
        with self.case("silent") as link:
            link.send(frame(TEXT, b"\xff"))
            self.assert_silent_failure(link, 1007)


class ReplacementTests(CaseTestCase):
    """A server that was told not to validate text."""

    options: ClassVar[dict[str, Any]] = {"websocket": WebSocketOptions(validate_utf8=False)}

    def test_replaced(self) -> None:
        """What is not UTF-8 is told as U+FFFD, and only UTF-8 is sent back (section 8.1)."""
        for what, data in invalid():
            with self.case(what) as link:
                text = data.decode("utf-8", "replace")
                link.send(frame(TEXT, data))
                self.assert_served(link, echo(text), told=[("message", text)])

    def test_close_reason(self) -> None:
        """A close reason is validated all the same (sections 5.5.1 and 8.1)."""
        with self.case("a reason that is not UTF-8") as link:
            link.send(close(1000, b"\xff"))
            self.assert_failed(link, 1007)
