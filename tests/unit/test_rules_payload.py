"""Promises of `sgcws.rules.payload`: what an application may send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.payload import check_form, check_ping, payload_of
from sgcws.values import Part


class PayloadTests(SynchronousTestCase):
    """What is sent is known by its type."""

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_text(self, text: str) -> None:
        """Text goes out as UTF-8."""
        self.assertEqual(payload_of(text), (text.encode("utf-8"), True))

    @given(st.binary())
    def test_binary(self, data: bytes) -> None:
        """Bytes, and what holds bytes, are binary, as they are now."""
        for holder in (data, bytearray(data), memoryview(data)):
            self.assertEqual(payload_of(holder), (data, False))
        changing = bytearray(data)
        payload, _ = payload_of(changing)
        changing.extend(b"x")
        self.assertEqual(payload, data)

    def test_refused(self) -> None:
        """What is neither is refused by its type alone; so is text that UTF-8 cannot carry."""
        for data in (None, 5, ["secret"], object()):
            error = self.assertRaises(TypeError, payload_of, data)
            self.assertEqual(str(error), f"a message is str or bytes, not {type(data).__name__}")
        self.assertRaises(UnicodeEncodeError, payload_of, "\ud800")


class PingTests(SynchronousTestCase):
    """What a ping carries."""

    def test_allowed(self) -> None:
        """Up to 125 bytes are."""
        for payload in (b"", b"x" * 125):
            check_ping(payload)

    def test_refused(self) -> None:
        """More is refused, and what is no bytes; neither is shown."""
        self.assertRaises(ValueError, check_ping, b"x" * 126)
        for payload in ("secret", None, 5, bytearray(b"secret")):
            error = self.assertRaises(TypeError, check_ping, payload)
            self.assertNotIn("secret", str(error))


class FormTests(SynchronousTestCase):
    """In what form a message is sent."""

    def test_allowed(self) -> None:
        """Nothing, a size, a key, both, or a part is."""
        for form in ((None, None), (1, None), (10**9, "k"), (None, ""), (None, None, Part.FIRST), (None, None, None)):
            check_form(*form)

    def test_wrong_type(self) -> None:
        """A size is a whole number, a key text, and a part a `Part`; the names of their types are shown, not they."""
        wrong: tuple[tuple[object, ...], ...] = (
            ("secret", None),
            (1.0, None),
            (True, None),
            (None, b"secret"),
            (None, 5),
            (None, None, "secret"),
            (None, None, True),
        )
        for form in wrong:
            error = self.assertRaises(TypeError, check_form, *form)
            self.assertNotIn("secret", str(error))

    def test_wrong_value(self) -> None:
        """A size is at least 1, and a part has neither."""
        wrong: tuple[tuple[object, ...], ...] = (
            (0, None),
            (-1, None),
            (1, None, Part.FIRST),
            (None, "k", Part.CONTINUE),
            (5, "k", Part.LAST),
        )
        for form in wrong:
            self.assertRaises(ValueError, check_form, *form)
