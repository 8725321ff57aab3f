"""Promises of `sgcws.rules.guids`: guids are given as one likes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.guids import guid_set

guids = st.lists(st.from_regex(r"[0-9a-f]{1,32}", fullmatch=True), max_size=5)
gaps = st.from_regex(r" *[,;] *", fullmatch=True)


class GuidSetTests(SynchronousTestCase):
    """An iterable or a text, it is a set."""

    def test_cases(self) -> None:
        """Commas, semicolons and spaces stand between, and may stand around."""
        for given_, found in (
            ("", set()),
            (" ,; ", set()),
            ("a", {"a"}),
            ("a,b;c", {"a", "b", "c"}),
            (" a , b;;c\n", {"a", "b", "c"}),
            ("a,a", {"a"}),
            ((), set()),
            (["a", "b"], {"a", "b"}),
            (iter("ab"), {"a", "b"}),
            ({"a": 1}, {"a"}),
        ):
            self.assertEqual(guid_set(given_), found)

    def test_no_guids(self) -> None:
        """What is no guid is refused: whoever is meant must not be left out without a word."""
        for wrong in ([5], [None], ["a", object()], b"ab", [b"a"], 5, None):
            self.assertRaises(TypeError, guid_set, wrong)

    @given(guids, st.data())
    def test_text_or_list(self, listed: list[str], data: st.DataObject) -> None:
        """However a list is written down as one text, it is the same set, in the order of the list."""
        text = "".join(guid + data.draw(gaps) for guid in listed)
        self.assertEqual(list(guid_set(text)), list(guid_set(listed)))
        self.assertEqual(list(guid_set(listed)), list(dict.fromkeys(listed)))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text is a set of guids without anything that stands between them."""
        for guid in guid_set(text):
            self.assertTrue(guid)
            self.assertFalse(set(guid) & set(",; \t\n"))
