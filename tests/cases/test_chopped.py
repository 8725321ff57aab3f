"""Group 10: the same bytes in other packets mean the same, for TCP knows nothing of frames (RFC 6455 section 5.2)."""

from __future__ import annotations

from .frames import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, close, closing, echo, fragments, frame
from .link import UPGRADE, CaseTestCase, Link, Told

MESSAGES = b"".join(
    (
        frame(TEXT, "grüße".encode()),
        frame(PING, b"one"),
        frame(TEXT, b"Hel", fin=False),
        frame(PING, b"two"),
        frame(CONTINUATION, fin=False),
        frame(CONTINUATION, b"lo \xf0\x9f", fin=False),
        frame(PONG, b"unasked"),
        frame(CONTINUATION, b"\x98\x80"),
        frame(BINARY, b"\xff" * 130),
        frame(TEXT),
    )
)
"""Every kind of frame, with both shorter forms of the length, and a character in two fragments."""

LAST = "Hello \U0001f600"
ANSWERS = (echo("grüße"), Frame(PONG, b"one"), Frame(PONG, b"two"), echo(LAST), echo(b"\xff" * 130), echo(""))
TOLD: tuple[Told, ...] = (("message", "grüße"), ("message", LAST), ("binary", b"\xff" * 130), ("message", ""))

FAILURES = {
    "a bad opcode": (1002, frame(5, b"bad") + frame(TEXT, b"late") + close(1002)),
    "bad text": (1007, frame(TEXT, b"\xed\xa0\x80") + frame(PING, b"late") + close(1007)),
    "a bad code": (1002, close(1005) + frame(TEXT, b"late")),
    "a bad length": (1002, frame(BINARY, b"bad", form=64) + frame(TEXT, b"late")),
}
"""How a talk may go wrong: the code that fails it, and what is sent."""

ENDS = {"Close": close(3000, b"bye") + frame(TEXT, b"late")} | {what: data for what, (_, data) in FAILURES.items()}
"""How a talk may end, and what is sent."""


class ChoppedTests(CaseTestCase):
    """One talk in many packets."""

    def assert_talked(self, link: Link, end: str) -> None:
        """The whole talk was served, and ended as it should."""
        if end in FAILURES:
            self.assert_failed(link, FAILURES[end][0], *ANSWERS, told=TOLD)
        else:
            self.assert_frames(link, *ANSWERS, closing(3000, "bye"))
            self.assert_told(link, *TOLD, ("disconnect", 3000, "bye"))
            self.assert_closed(link)

    def test_any_size(self) -> None:
        """Packets of any size make no difference (section 5.2)."""
        for end, data in ENDS.items():
            for chop in range(1, len(MESSAGES + data) + 1, 1 if end == "Close" else 7):
                with self.case("ends with", end, "in packets of", chop) as link:
                    link.send(MESSAGES + data, chop)
                    self.assert_talked(link, end)

    def test_any_split(self) -> None:
        """Two packets may meet anywhere (section 5.2)."""
        for end, data in ENDS.items():
            whole = MESSAGES + data
            for cut in range(1 if end == "Close" else len(MESSAGES), len(whole)):
                with self.case("ends with", end, "split at", cut) as link:
                    link.send_pieces((whole[:cut], whole[cut:]))
                    self.assert_talked(link, end)

    def test_behind_the_request(self) -> None:
        """What comes in one packet with the upgrade request is served after the 101 (sections 1.3 and 4.2.2)."""
        for end, data in ENDS.items():
            for size in (*range(1, 30), *range(len(UPGRADE) - 5, len(UPGRADE) + 5), 1 << 16):
                with self.case("ends with", end, "in packets of", size, then=MESSAGES + data, chop=size) as link:
                    self.assert_talked(link, end)

    def test_many_fragments(self) -> None:
        """A long message in many fragments is put together from packets of any size (sections 5.2 and 5.4)."""
        text = "*" * 65536
        data = b"".join(fragments(TEXT, text.encode(), 1300))
        for chop in (11, 997, 1300, 1307, 1308, 1309, 1460, 65535):
            with self.case("in packets of", chop) as link:
                link.send(data, chop)
                self.assert_served(link, echo(text), told=[("message", text)])
