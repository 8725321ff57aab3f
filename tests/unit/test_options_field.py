"""Tests of `sgcws.options.field`: how an option is declared, checked and loaded."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.field import declared, did_you_mean, from_table, option, table
from sgcws.options.kinds import optional, positive, text, whole


@attrs.frozen(kw_only=True)
class Wheel:
    """A group inside a group."""

    spokes: int = option(32, whole(1, 99), doc="How many spokes it has.")


@attrs.frozen(kw_only=True)
class Bicycle:
    """A group for these tests."""

    speed: float = option(4.0, positive, doc="Meters a second.", live=True, since="27.1")
    lock: str = option("1234", text("four digits", lambda word: len(word) == 4), doc="The code.", secret=True)
    front: Wheel = option(Wheel(), table(Wheel), doc="The wheel in front.")
    third: Wheel | None = option(None, optional(table(Wheel)), doc="The wheel that few have.")


class OptionTests(SynchronousTestCase):
    def test_default(self) -> None:
        """What is not given has its default, and an int for a time is kept as a float."""
        self.assertEqual(Bicycle(speed=5), Bicycle(speed=5.0))
        self.assertIsInstance(Bicycle(speed=5).speed, float)

    def test_frozen(self) -> None:
        """A group cannot be changed after it was checked."""
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            Wheel().spokes = 5  # type: ignore[misc]

    def test_refused_at_birth(self) -> None:
        """A wrong value names the field, the value and what is allowed."""
        error = self.assertRaises(OptionError, Wheel, spokes=100)
        self.assertEqual(
            (error.field, error.value, error.allowed), ("spokes", 100, "a whole number from 1 to 99")
        )
        self.assertIsNone(error.__cause__)

    def test_refused_in_a_copy(self) -> None:
        """A changed copy is checked like a new value."""
        self.assertRaises(OptionError, attrs.evolve, Wheel(), spokes=0)

    def test_group_of_the_wrong_class(self) -> None:
        """A group is an instance of its class; a mapping is none, and None only for an optional one."""
        for wrong in ({"spokes": 5}, Bicycle(), None, True):
            self.assertRaises(OptionError, Bicycle, front=wrong)
        self.assertIsNone(Bicycle(third=None).third)

    def test_secret(self) -> None:
        """A secret is in no repr and in no error."""
        self.assertNotIn("1234", repr(Bicycle()))
        error = self.assertRaises(OptionError, Bicycle, lock="hunter2")
        self.assertNotIn("hunter2", str(error) + repr(error))
        error = self.assertRaises(OptionError, from_table, Bicycle, "", {"lock": "hunter2"})
        self.assertNotIn("hunter2", str(error) + repr(error))

    def test_metadata(self) -> None:
        """All that was declared can be asked for, in order."""
        known = declared(Bicycle)
        self.assertEqual(list(known), ["speed", "lock", "front", "third"])
        default, metadata = known["speed"]
        self.assertEqual((default, metadata.doc), (4.0, "Meters a second."))
        self.assertEqual((metadata.live, metadata.since, metadata.secret), (True, "27.1", False))


class FromTableTests(SynchronousTestCase):
    def test_nested(self) -> None:
        """A table inside a table is a group inside a group."""
        self.assertEqual(
            from_table(Bicycle, "", {"speed": 9, "front": {"spokes": 20}, "third": {}}),
            Bicycle(speed=9.0, front=Wheel(spokes=20), third=Wheel()),
        )

    def test_full_name(self) -> None:
        """A wrong value is named by the whole way to it."""
        error = self.assertRaises(OptionError, from_table, Bicycle, "bicycle", {"third": {"spokes": "many"}})
        self.assertEqual((error.field, error.value), ("bicycle.third.spokes", "many"))

    def test_unknown_name(self) -> None:
        """A name that is not known is shown with those that are and the nearest; its value is not shown."""
        error = self.assertRaises(OptionError, from_table, Bicycle, "", {"front": {"spoks": "hunter2"}})
        self.assertEqual((error.field, error.value), ("front", "spoks"))
        self.assertEqual(error.allowed, "spokes; did you mean spokes?")
        error = self.assertRaises(OptionError, from_table, Bicycle, "", {5: 5})
        self.assertEqual((error.field, error.value), ("options", 5))


class DidYouMeanTests(SynchronousTestCase):
    def test_near(self) -> None:
        """Something near is asked for, something far is not."""
        self.assertEqual(did_you_mean("spoke", ["spokes", "speed"]), "; did you mean spokes?")
        self.assertEqual(did_you_mean("window", ["spokes", "speed"]), "")
