"""Promises of `sgcws.rules.close_codes`: no Close frame goes out that may not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.close_codes import LONGEST_REASON, check_close


def may_be_sent(code: int, reason: str) -> bool:
    """Whether `check_close` lets it pass."""
    try:
        check_close(code, reason)
    except ValueError:
        return False
    return True


class CheckCloseTests(SynchronousTestCase):
    """Codes and reasons of RFC 6455 sections 5.5.1 and 7.4."""

    def test_codes(self) -> None:
        """Those registered and those for applications may be sent; those that stand for something else may not."""
        allowed = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
        self.assertEqual({code for code in range(-1, 70_000) if may_be_sent(code, "")}, allowed)

    def test_no_number(self) -> None:
        """What is no whole number is no code."""
        for code in (1000.0, "1000", None, True):
            self.assertFalse(may_be_sent(code, ""))  # type: ignore[arg-type]

    def test_reasons(self) -> None:
        """A reason is measured in bytes of UTF-8."""
        self.assertTrue(may_be_sent(1000, "x" * LONGEST_REASON))
        self.assertFalse(may_be_sent(1000, "x" * (LONGEST_REASON + 1)))
        self.assertTrue(may_be_sent(1000, "é" * 61))
        self.assertFalse(may_be_sent(1000, "é" * 62))

    def test_words(self) -> None:
        """The error says what is allowed, and does not repeat a long reason."""
        self.assertIn("1005 may not be sent; allowed: ", str(self.assertRaises(ValueError, check_close, 1005, "")))
        self.assertNotIn("secret", str(self.assertRaises(ValueError, check_close, 1000, "secret" * 30)))

    @given(st.integers(), st.text(max_size=200) | st.text(st.characters(), max_size=5))
    def test_anything(self, code: int, reason: str) -> None:
        """Whatever passes fits a Close frame: two bytes of code and at most 123 of UTF-8."""
        if may_be_sent(code, reason):
            self.assertLessEqual(len(code.to_bytes(2) + reason.encode()), 125)
