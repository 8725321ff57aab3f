"""Promises of `sgcws.rules.tokens`: tokens and lists of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.tokens import is_token, split_list

unhurried = settings(deadline=None, database=None)

SEPARATORS = '()<>@,;:\\"/[]?={} \t'


class TokenTests(SynchronousTestCase):
    """What a token is."""

    def test_every_ascii_character(self) -> None:
        """A token is made of visible ASCII characters without separators (RFC 9110 section 5.6.2)."""
        for number in range(128):
            character = chr(number)
            self.assertEqual(is_token(character), 32 < number < 127 and character not in SEPARATORS, repr(character))

    def test_others(self) -> None:
        """Nothing is no token, and neither is anything with a line break at its end or outside ASCII."""
        for text in ("", "a\n", "a b", "grüße", "a\x00"):
            self.assertFalse(is_token(text), repr(text))


class ListTests(SynchronousTestCase):
    """Lists in headers."""

    def test_lists(self) -> None:
        """Elements come in order, from one header or several, without white space and empty elements."""
        self.assertEqual(split_list(["a, b\t,c"]), ["a", "b", "c"])
        self.assertEqual(split_list([" ,a,, ", "", "b"]), ["a", "b"])
        self.assertEqual(split_list([]), [])

    @unhurried
    @given(st.lists(st.text()))
    def test_any_text(self, values: list[str]) -> None:
        """Any text gives a list of elements that hold no comma and are not empty."""
        self.assertTrue(all(element and "," not in element for element in split_list(values)))
