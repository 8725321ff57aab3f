"""Tests of `sgcws.options.kinds`: what the values of options may be."""

from __future__ import annotations

import enum
import math
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.field import table
from sgcws.options.kinds import (
    Kind,
    Refused,
    flag,
    member_of,
    optional,
    port_number,
    positive,
    seconds,
    size,
    text,
    tuple_of,
    whole,
)
from sgcws.options.watchdog import Monitor


class Colour(enum.Enum):
    """Values to choose among."""

    RED = "red"
    DARK_BLUE = "dark_blue"


unhurried = settings(deadline=None, database=None)
word = text("lower case", str.islower)
colour = member_of(Colour)
KINDS: tuple[Kind[Any], ...] = (
    flag,
    port_number,
    positive,
    seconds(1, 10),
    size,
    whole(1),
    word,
    colour,
    tuple_of(word),
    tuple_of(colour),
    optional(colour),
    tuple_of(whole(0)),
    optional(size),
    optional(tuple_of(word)),
    table(Monitor),
    optional(table(Monitor)),
)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


class CheckTests(SynchronousTestCase):
    """What a program may give."""

    def assert_kind(self, kind: Kind[Any], *, yes: tuple[object, ...], no: tuple[object, ...]) -> None:
        for value in yes:
            self.assertEqual(kind.check(value), value)
        for value in no:
            self.assertRaises(Refused, kind.check, value)

    def test_flag(self) -> None:
        """A flag is a bool; a number or a word is none."""
        self.assert_kind(flag, yes=(True, False), no=(0, 1, None, "true", "", []))

    def test_whole(self) -> None:
        """A whole number keeps its bounds; a bool, a float and text are none."""
        self.assert_kind(whole(1, 9), yes=(1, 9), no=(0, 10, True, 5.0, "5", None))
        self.assert_kind(whole(1), yes=(1, 10**30), no=(0, -1))

    def test_port_number(self) -> None:
        """A port fits in 16 bits; 0 is allowed."""
        self.assert_kind(port_number, yes=(0, 65535), no=(-1, 65536, True))

    def test_size(self) -> None:
        """A size is at least one byte and fits in 63 bits."""
        self.assert_kind(size, yes=(1, 2**63 - 1), no=(0, -1, 2**63, True, 1.0, "64 MiB"))

    def test_positive(self) -> None:
        """A time is a finite number above zero."""
        self.assert_kind(
            positive, yes=(0.1, 5, 1e9), no=(0, -1.0, math.nan, math.inf, -math.inf, True, "5", None, 10**400)
        )

    def test_time_is_float(self) -> None:
        """A time that is given as an int is kept as a float."""
        self.assertIsInstance(positive.check(5), float)

    def test_seconds(self) -> None:
        """A time with bounds keeps them."""
        self.assert_kind(seconds(1, 10), yes=(1, 10.0), no=(0.9, 10.1, math.nan))

    def test_text(self) -> None:
        """Text is a str that passes; bytes are none."""
        self.assert_kind(word, yes=("a",), no=("A", "", b"a", 5, None))

    def test_member(self) -> None:
        """A member is one of the enumeration; its word or its name is none in a program, nor is another's member."""
        other = enum.Enum("Colour", {"RED": "red"})
        self.assert_kind(colour, yes=tuple(Colour), no=("red", "RED", None, 0, other["RED"], Colour))

    def test_tuple(self) -> None:
        """A tuple has items of one kind, none of them twice; text is no tuple of letters."""
        self.assert_kind(tuple_of(word), yes=((), ("a", "b")), no=(("a", "B"), ("a", "a"), ["a"], "ab", None))

    def test_optional(self) -> None:
        """An optional kind is the same kind, and None."""
        self.assert_kind(optional(whole(1)), yes=(None, 1), no=(0, False, "none"))


class LoadTests(SynchronousTestCase):
    """What a file may give."""

    def test_list(self) -> None:
        """A list in a file is a tuple."""
        self.assertEqual(tuple_of(word).load("x", ["a", "b"]), ("a", "b"))
        self.assertRaises(Refused, tuple_of(word).load, "x", "a,b")

    def test_none(self) -> None:
        """TOML has no null: the words "off" and "none" stand for None."""
        for plain in ("off", "none", "Off", None):
            self.assertIsNone(optional(size).load("x", plain))

    def test_false_is_for_groups(self) -> None:
        """False switches a group off; for a number it is a mistake."""
        self.assertIsNone(optional(table(Monitor)).load("x", False))
        self.assertRaises(Refused, optional(size).load, "x", False)

    def test_member(self) -> None:
        """A member may be given as its word; a name of Python's, or a number, is none."""
        self.assertEqual([colour.load("x", plain) for plain in ("red", "dark_blue", Colour.RED)], [*Colour, Colour.RED])
        for plain in ("RED_", "DARK BLUE", "", 0, True, None, ["red"]):
            self.assertRaises(Refused, colour.load, "x", plain)

    def test_true_is_for_groups(self) -> None:
        """True is a group with its defaults."""
        self.assertEqual(optional(table(Monitor)).load("x", True), Monitor())

    def test_size(self) -> None:
        """A size may be text with a unit, another number may not be text."""
        self.assertEqual(size.load("x", "64 MiB"), 64 * 1024**2)
        self.assertRaises(Refused, whole(1).load, "x", "5")
        self.assertRaises(Refused, positive.load, "x", "5")

    @unhurried
    @given(st.sampled_from(KINDS), plain_values)
    @example(positive, 10**400)
    def test_any_value(self, kind: Kind[Any], plain: object) -> None:
        """Whatever a file has is loaded as a value of the kind or refused."""
        try:
            value = kind.load("x", plain)
        except (Refused, OptionError):
            return
        self.assertEqual(kind.check(value), value)


class ReadTests(SynchronousTestCase):
    """What text may say."""

    def test_flag(self) -> None:
        """Each usual word for yes and no is known, in any case."""
        for words in ("true", "YES", " on ", "1"):
            self.assertIs(flag.read(words), True)
        for words in ("false", "No", "off", "0"):
            self.assertIs(flag.read(words), False)
        for words in ("", "2", "enabled"):
            self.assertRaises(Refused, flag.read, words)

    def test_size(self) -> None:
        """A size may end in a unit of 1024s; units of 1000s are not guessed at."""
        for words, wanted in (("5", 5), ("1KiB", 1024), ("2 mib", 2 * 1024**2), (" 3 GiB ", 3 * 1024**3)):
            self.assertEqual(size.read(words), wanted)
        for words in ("", "KiB", "1.5 MiB", "-1", "1MB", "1M", "1 000", "\u0663"):
            self.assertRaises(Refused, size.read, words)

    def test_whole(self) -> None:
        """A whole number is digits with or without a sign."""
        self.assertEqual([whole(0).read(words) for words in ("5", "+5", " -5 ")], [5, 5, -5])
        for words in ("", "5.0", "1_000", "0x5", "\u0665", "9" * 5000):
            self.assertRaises(Refused, whole(0).read, words)

    def test_tuple(self) -> None:
        """Items are separated by commas; white space around them is not theirs."""
        self.assertEqual(tuple_of(word).read("a, b,c "), ["a", "b", "c"])
        self.assertEqual(tuple_of(word).read("  "), [])

    def test_member(self) -> None:
        """A member is its word, in any case."""
        self.assertEqual([colour.read(words) for words in ("red", " Dark_Blue ")], list(Colour))
        for words in ("", "blue", "Colour.RED", "off"):
            self.assertRaises(Refused, colour.read, words)

    def test_none(self) -> None:
        """Off and none stand for None, in any case."""
        kind = optional(whole(1))
        self.assertEqual(
            [kind.load("x", kind.read(words)) for words in ("off", " NONE ", "5")], [None, None, 5]
        )

    @unhurried
    @given(st.sampled_from(KINDS), st.text() | st.from_regex(r"\A[-+0-9.einfaKMGBtrufl ,]*\Z"))
    def test_any_text(self, kind: Kind[Any], words: str) -> None:
        """Any text becomes a value of the kind or is refused."""
        try:
            value = kind.load("x", kind.read(words))
        except Refused:
            return
        self.assertEqual(kind.check(value), value)


class DescriptionTests(SynchronousTestCase):
    def test_member(self) -> None:
        """What is allowed is said in the words of the place: members for a program, words for text."""
        self.assertEqual(colour.allowed, 'Colour.RED, Colour.DARK_BLUE; in a file "red", "dark_blue"')
        self.assertEqual((colour.in_text, colour.type_name), ('"red", "dark_blue"', "Colour"))


class WriteTests(SynchronousTestCase):
    def test_text(self) -> None:
        """The text for a value is the shortest that a person would write."""
        for kind, value, wanted in (
            (flag, True, "true"),
            (size, 64 * 1024**2, "64 MiB"),
            (size, 1536, "1536"),
            (positive, 60.0, "60"),
            (positive, 0.5, "0.5"),
            (tuple_of(word), ("a", "b"), "a,b"),
            (colour, Colour.DARK_BLUE, "dark_blue"),
            (tuple_of(colour), (Colour.RED, Colour.DARK_BLUE), "red,dark_blue"),
            (optional(size), None, "none"),
            (optional(table(Monitor)), None, "off"),
            (optional(table(Monitor)), Monitor(), "on"),
        ):
            self.assertEqual(kind.write(value), wanted)

    def assert_round_trip(self, kind: Kind[Any], value: object) -> None:
        self.assertEqual(kind.load("x", kind.read(kind.write(value))), value)

    @unhurried
    @given(
        st.integers(1, 2**63 - 1),
        st.floats(min_value=0, exclude_min=True, allow_infinity=False),
        st.booleans(),
    )
    def test_round_trip(self, number: int, time: float, switch: bool) -> None:
        """What is written is read back as the same value."""
        self.assert_round_trip(size, number)
        self.assert_round_trip(optional(whole(1)), number)
        self.assert_round_trip(positive, time)
        self.assert_round_trip(flag, switch)
        for member in Colour:
            self.assert_round_trip(colour, member)
        self.assert_round_trip(tuple_of(whole(1)), (number,))
