"""Promises of `sgcws.rules.event_stream`: what is written is what a browser reads."""

from __future__ import annotations

import base64
import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.event_stream import (
    COMMENT,
    Base64Parts,
    TextParts,
    binary_event,
    event,
    is_whole,
    text_event,
)
from tests.eventsource import EventSource, Heard, heard

BREAK = re.compile("\r\n|\r|\n")

TEXTS = st.lists(st.sampled_from(["\r", "\n", "\r\n", "data: ", ":", " ", "\0", "\ufeff", "é", "𝄞", "x"])).map("".join)
"""What could be mistaken for something else."""


def cuts(payload: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return the ways to cut some bytes."""
    places = st.lists(st.integers(0, len(payload))).map(sorted)
    return places.map(lambda found: [payload[a:b] for a, b in zip([0, *found], [*found, len(payload)], strict=True)])


def in_parts(parts: TextParts | Base64Parts, pieces: list[bytes]) -> list[bytes]:
    """Return what is sent for a message in parts."""
    last = len(pieces) - 1
    return [parts.add(piece, number == last) for number, piece in enumerate(pieces)]


class EventTests(SynchronousTestCase):
    """One event."""

    def test_fields(self) -> None:
        """An event has all its fields, and the time in milliseconds."""
        sent = event("{}", name="opened", id="1", retry=3.0)
        self.assertEqual(sent, b"retry: 3000\nid: 1\nevent: opened\ndata: {}\n\n")
        stream = EventSource()
        self.assertEqual(stream.feed(sent), [Heard("{}", "opened", "1")])
        self.assertEqual(stream.retry, 3000)

    def test_only_data(self) -> None:
        """What is not given is not sent."""
        self.assertEqual(event("x"), b"data: x\n\n")

    def test_an_id_holds(self) -> None:
        """An event without an id leaves the last one as it is, and an empty one takes it back."""
        stream = heard(event("1", id="a") + event("2") + event("3", id="") + event("4"))
        self.assertEqual([each.last_id for each in stream], ["a", "a", "", ""])

    def test_what_may_not_stand_in_a_field(self) -> None:
        """No line can be smuggled in by a name or an id, and no id be lost."""
        for wrong in ("a\nb", "a\rb", "a\r\n"):
            self.assertRaises(ValueError, event, "", name=wrong)
            self.assertRaises(ValueError, event, "", id=wrong)
        self.assertRaises(ValueError, event, "", id="a\0")

    def test_times(self) -> None:
        """Times are rounded, and less than a millisecond is none."""
        for seconds, line in ((0.001, b"retry: 1\n"), (0.0016, b"retry: 2\n"), (86400, b"retry: 86400000\n")):
            self.assertTrue(event("", retry=seconds).startswith(line))
        for seconds in (0.0, 0.0004, -1.0):
            self.assertRaises(ValueError, event, "", retry=seconds)

    def test_empty(self) -> None:
        """A message without anything in it arrives, too."""
        self.assertEqual(heard(text_event(b"")), [Heard("")])
        self.assertEqual(heard(binary_event(b"")), [Heard("", "binary")])

    def test_lines(self) -> None:
        """CR, LF and CRLF are one line break each, at the beginning and at the end as well."""
        for text, read in (
            ("a\nb", "a\nb"),
            ("a\rb", "a\nb"),
            ("a\r\nb", "a\nb"),
            ("a\n\rb", "a\n\nb"),
            ("\r\n", "\n"),
            ("\n\n", "\n\n"),
            ("a\n", "a\n"),
            (" a\n  b", " a\n  b"),
        ):
            self.assertEqual(heard(text_event(text.encode())), [Heard(read)])

    @given(st.lists(TEXTS | st.text()))
    def test_any_texts(self, texts: list[str]) -> None:
        """Any texts arrive, one by one and whole, with nothing changed but their line breaks."""
        stream = b"".join(text_event(text.encode()) for text in texts)
        self.assertEqual(heard(stream), [Heard(BREAK.sub("\n", text)) for text in texts])

    @given(st.binary())
    def test_any_bytes(self, payload: bytes) -> None:
        """Any bytes arrive in base64."""
        (found,) = heard(binary_event(payload))
        self.assertEqual((found.name, base64.b64decode(found.data, validate=True)), ("binary", payload))


class CommentTests(SynchronousTestCase):
    """What only keeps the stream open."""

    def test_between_events(self) -> None:
        """A comment between two events is no event and changes none."""
        stream = EventSource()
        self.assertEqual(stream.feed(COMMENT + event("1") + COMMENT + event("2")), [Heard("1"), Heard("2")])
        self.assertEqual(stream.comments, 2)

    def test_where_it_may_stand(self) -> None:
        """After each whole event, and never within one."""
        for whole in (event("x"), binary_event(b"x"), text_event(b"\n\n"), COMMENT):
            self.assertTrue(is_whole(whole))
            self.assertTrue(is_whole(memoryview(whole)))
            self.assertEqual([end for end in range(len(whole)) if is_whole(whole[:end])], [])
        self.assertFalse(is_whole(b""))


class PartsTests(SynchronousTestCase):
    """A message in parts."""

    def test_text(self) -> None:
        """Parts of text are one event together."""
        self.assertEqual(in_parts(TextParts(), [b"a\nb", b"c", b"d\n"]), [b"data: a\ndata: b", b"c", b"d\ndata: \n\n"])

    def test_line_break_in_two_parts(self) -> None:
        """CR and LF are one line break in two parts, too, whatever is empty between them."""
        for pieces in ([b"a\r", b"\nb"], [b"a\r", b"", b"\nb"], [b"a\r", b"\n", b"b"]):
            self.assertEqual(heard(b"".join(in_parts(TextParts(), pieces))), [Heard("a\nb")])
        self.assertEqual(heard(b"".join(in_parts(TextParts(), [b"a\r", b"\n", b"\nb"]))), [Heard("a\n\nb")])

    def test_not_over_before_the_last(self) -> None:
        """No part but the last ends the event."""
        for parts in (TextParts(), Base64Parts()):
            sent = in_parts(parts, [b"\n\n", b"", b"\n", b"\r\n\r\n", b"", b""])
            self.assertEqual([is_whole(each) for each in sent], [False] * 5 + [True])

    @given(TEXTS.flatmap(lambda text: st.tuples(st.just(text), cuts(text.encode()))))
    def test_any_text(self, case: tuple[str, list[bytes]]) -> None:
        """Wherever a text is cut, within a character as well, it arrives as it would in one piece."""
        text, pieces = case
        self.assertEqual(b"".join(in_parts(TextParts(), pieces)), text_event(text.encode()))

    @given(st.binary().flatmap(lambda payload: st.tuples(st.just(payload), cuts(payload))))
    def test_any_bytes(self, case: tuple[bytes, list[bytes]]) -> None:
        """Wherever bytes are cut, they arrive as they would in one piece."""
        payload, pieces = case
        self.assertEqual(b"".join(in_parts(Base64Parts(), pieces)), binary_event(payload))
