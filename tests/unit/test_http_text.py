"""Promises of `sgcws.http.text`: wire bytes and the text they stand for."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.http.text import (
    MOST_PAIRS,
    check_header,
    decode,
    decode_path,
    headers_of,
    parse_cookies,
    parse_pairs,
)

unhurried = settings(deadline=None, database=None)


class DecodeTests(SynchronousTestCase):
    """Bytes as text."""

    def test_utf8_first(self) -> None:
        """Bytes are UTF-8, and Latin-1 where they cannot be."""
        self.assertEqual(decode("grüße".encode()), "grüße")
        self.assertEqual(decode("grüße".encode("latin-1")), "grüße")

    def test_path(self) -> None:
        """A path is percent-decoded once."""
        self.assertEqual(decode_path(b"/gr%C3%BC%C3%9Fe/a%2Fb/%2541"), "/grüße/a/b/%41")
        self.assertEqual(decode_path(b"/100%/%zz"), "/100%/%zz")

    @unhurried
    @given(st.binary())
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes give text."""
        self.assertIsInstance(decode(data), str)
        self.assertIsInstance(decode_path(data), str)


class PairTests(SynchronousTestCase):
    """Queries and forms."""

    def test_pairs(self) -> None:
        """Names may come more than once, values may be empty or missing, and a plus is a space."""
        found = parse_pairs(b"a=1&b=&a=2&c&d=x+y%26")
        self.assertEqual(list(found.items()), [("a", "1"), ("b", ""), ("a", "2"), ("c", ""), ("d", "x y&")])
        self.assertEqual(found["a"], "1")
        self.assertEqual(found.getall("a"), ["1", "2"])

    def test_utf8(self) -> None:
        """Text is UTF-8, whether percent-encoded or not; what is none becomes U+FFFD."""
        self.assertEqual(parse_pairs("a=grü".encode())["a"], "grü")
        self.assertEqual(parse_pairs(b"a=gr%C3%BC")["a"], "grü")
        self.assertEqual(parse_pairs(b"a=%FF")["a"], "\ufffd")
        self.assertEqual(parse_pairs(b"a=\xff")["a"], "\ufffd")

    def test_too_many(self) -> None:
        """Of more pairs than anybody needs, none is taken."""
        self.assertEqual(len(parse_pairs(b"&".join([b"a=1"] * MOST_PAIRS))), MOST_PAIRS)
        self.assertEqual(len(parse_pairs(b"&".join([b"a=1"] * (MOST_PAIRS + 1)))), 0)

    @unhurried
    @given(st.binary())
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes give pairs of text."""
        for name, value in parse_pairs(data).items():
            self.assertIsInstance(name + value, str)


class CookieTests(SynchronousTestCase):
    """Cookies."""

    def test_cookies(self) -> None:
        """Cookies come in one header or several, with or without quotes, and the first of a name counts."""
        self.assertEqual(parse_cookies(["a=1; b=2"]), {"a": "1", "b": "2"})
        self.assertEqual(parse_cookies(["a=1", 'b="2"; a=3']), {"a": "1", "b": "2"})
        self.assertEqual(parse_cookies(["a=1=2; b="]), {"a": "1=2", "b": ""})

    def test_what_is_none(self) -> None:
        """What has no name or no value is left out."""
        self.assertEqual(parse_cookies(["", ";;", "a; =b; ; c=1"]), {"c": "1"})

    def test_no_escapes(self) -> None:
        """What stands in quotes is taken as it is: nothing is made a line break of."""
        self.assertEqual(parse_cookies([r'a="x\012y"']), {"a": r"x\012y"})
        self.assertEqual(parse_cookies(['a="']), {"a": '"'})

    @unhurried
    @given(st.lists(st.text()))
    def test_any_text(self, lines: list[str]) -> None:
        """Any text gives cookies with names."""
        self.assertNotIn("", parse_cookies(lines))


class HeaderTests(SynchronousTestCase):
    """Headers."""

    def test_received(self) -> None:
        """Headers are found by names in any case, all values in order."""
        found = headers_of([(b"Accept", [b"a", b"b"]), (b"X-Name", ["ü".encode(), b"\xfc"])])
        self.assertEqual(found.getall("ACCEPT"), ["a", "b"])
        self.assertEqual(found.getall("x-name"), ["ü", "ü"])

    def test_may_be_sent(self) -> None:
        """Text and tabs may be sent, also beyond ASCII."""
        for value in ("", "plain", "with\ttab", "grüße ✓"):
            check_header("X-Name", value)

    def test_may_not_be_sent(self) -> None:
        """A name that is none, control characters, and what UTF-8 cannot carry are refused."""
        for name in ("", "a b", "a:b", "a\r\nb", "ü"):
            self.assertRaises(ValueError, check_header, name, "x")
        for value in ("a\r\nb", "a\nb", "a\rb", "a\x00b", "a\x1bb", "\x7f", "\udcff"):
            self.assertRaises(ValueError, check_header, "X-Name", value)
        self.assertRaises(TypeError, check_header, "X-Name", 5)

    @unhurried
    @given(st.text(), st.text())
    def test_any_text(self, name: str, value: str) -> None:
        """What passes is one line once it is written."""
        try:
            check_header(name, value)
        except ValueError:
            return
        self.assertEqual(len(f"{name}: {value}".encode().splitlines()), 1)
