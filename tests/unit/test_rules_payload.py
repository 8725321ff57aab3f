"""Promises of `sgcws.rules.payload`: a message is text or bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.payload import payload_of


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
