"""Promises of `sgcws.rules.masks`: names that are names, and masks that mean what they say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.masks import check_name, matching

texts = st.text("ab?*.\n", max_size=8)


def matches(mask: str, name: str) -> bool:
    """Tell by the definition whether a name matches, following every way at once."""
    places = {0}
    for character in mask:
        if character == "*":
            places = set(range(min(places, default=len(name) + 1), len(name) + 1))
        else:
            places = {place + 1 for place in places if name[place : place + 1] and character in ("?", name[place])}
    return len(name) in places


class NameTests(SynchronousTestCase):
    """A name is some text."""

    def test_good(self) -> None:
        """Any text but the empty one is a name."""
        for name in ("news", " ", "*", "über/uns", "\n", "\ud800"):
            check_name(name, "channel")

    def test_bad(self) -> None:
        """What is no text, and no name at all, is refused by the name of what it should be."""
        for bad, error in ((5, TypeError), (None, TypeError), (b"news", TypeError), ("", ValueError)):
            with self.assertRaisesRegex(error, "channel"):
                check_name(bad, "channel")


class MatchingTests(SynchronousTestCase):
    """A mask picks names."""

    def test_cases(self) -> None:
        """A star is any characters, a question mark is one, and all others are themselves."""
        for mask, names, found in (
            ("Room*", ["Room", "Room1", "Room 12", "room1", "ARoom1"], "Room,Room1,Room 12"),
            ("*", ["a", "b\nc"], "a,b\nc"),
            ("Room?", ["Room", "Room1", "Room12"], "Room1"),
            ("?", ["a", "\n", "ab"], "a,\n"),
            ("*1", ["Room1", "Room11", "Room1a"], "Room1,Room11"),
            ("a*b*c", ["abc", "aXbYc", "acb", "abcb", "abcbc"], "abc,aXbYc,abcbc"),
            ("*a*b*", ["ab", "xaxbx", "ba"], "ab,xaxbx"),
            ("a**b", ["ab", "aXb"], "ab,aXb"),
            ("*?*", ["a", "abc"], "a,abc"),
            ("a*a", ["a", "aa", "aba"], "aa,aba"),
            ("Room", ["Room", "Room1"], "Room"),
            ("nobody", ["Room"], ""),
            ("[ab]*", ["a", "[ab]", "[ab]c"], "[ab],[ab]c"),
            (".*", ["a", ".a"], ".a"),
            ("\\d*", ["5", "\\d5"], "\\d5"),
            ("a|b*", ["a", "b", "a|bc"], "a|bc"),
            ("^a$*", ["a", "^a$"], "^a$"),
            ("über*", ["übermut", "ÜBERMUT"], "übermut"),
        ):
            with self.subTest(mask=mask):
                self.assertEqual(",".join(matching(mask, names)), found)

    def test_order(self) -> None:
        """Names come in their order, and once each."""
        names = dict.fromkeys(["b1", "a", "b0"]).keys()
        self.assertEqual(matching("b*", names), ("b1", "b0"))

    @given(texts, texts)
    def test_by_the_definition(self, mask: str, name: str) -> None:
        """Whatever the mask and the name, the answer is that of the definition."""
        self.assertEqual(matching(mask, [name]), (name,) * matches(mask, name))

    @given(st.text(), st.text())
    def test_any_text(self, mask: str, name: str) -> None:
        """Any text is a mask, and with a star behind it matches all that begins with the same text."""
        self.assertEqual(matching(mask, [name]), (name,) * matches(mask, name))
        self.assertEqual(matching(mask + "*", [mask + name]), (mask + name,))

    def test_hostile(self) -> None:
        """A mask that has very many ways to fail fails, and a test run sees the end of it."""
        name = "a" * 2000
        self.assertEqual(matching("*a" * 200 + "*b", [name]), ())
        self.assertEqual(matching("*a?" * 200 + "b*", [name]), ())
        self.assertEqual(matching("*" * 10_000 + "b", [name]), ())
        self.assertEqual(matching("?*" * 500, [name]), (name,))
