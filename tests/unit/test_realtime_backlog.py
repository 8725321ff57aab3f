"""Promises of `sgcws.realtime.backlog`: what waits for one peer, in order, and what becomes of more."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.options import SlowClientPolicy
from sgcws.realtime.backlog import Backlog, Outcome
from sgcws.realtime.framing import ROOM, Message
from sgcws.realtime.parts import PartialMessage
from sgcws.values import Part, WhenFull
from sgcws.websocket.encoder import Encoder
from tests.slow import whole_frames

TAKEN = Outcome(True)
DROPPING = (WhenFull.DROP_OLDEST, WhenFull.CONFLATE)
LIMIT = 10 * (ROOM + 100)


def message(name: str, size: int = 100, key: str | None = None) -> Message:
    """Make a message that holds *size* bytes, and as many more as every one does."""
    return Message(name.encode().ljust(size, b"."), True, key)


class BacklogTestCase(SynchronousTestCase):
    """A backlog with room for ten messages of 100 bytes."""

    def begin(self, when_full: WhenFull = WhenFull.CLOSE) -> None:
        """Have an empty one."""
        self.backlog = Backlog(SlowClientPolicy(limit=LIMIT, when_full=when_full))

    def add(self, name: str, size: int = 100, key: str | None = None, besides: int = 0) -> Outcome:
        """Let a message wait."""
        return self.backlog.add(message(name, size, key), besides)

    def fill(self) -> None:
        """Let ten messages wait."""
        for number in range(10):
            self.assertEqual(self.add(str(number)), TAKEN)

    def part(self, name: str, part: Part, size: int = 100, besides: int = 0) -> Outcome:
        """Let a part wait."""
        return self.backlog.add_part(name.encode().ljust(size, b"."), True, part, besides)

    def left(self) -> list[str]:
        """Take all that can be taken, by name; one in parts by the names of those, with a plus between them."""
        found: list[str] = []
        while (each := self.backlog.next()) is not None:
            if isinstance(each, PartialMessage):
                frames, _ = whole_frames(b"".join(each.take(Encoder(None))))
                found.append("+".join(frame.payload.rstrip(b".").decode() for frame in frames))
            else:
                found.append(each.payload.rstrip(b".").decode())
        return found


class OrderTests(BacklogTestCase):
    """First come, first served."""

    def test_order(self) -> None:
        """Messages leave in the order in which they came, and are counted while they wait."""
        self.begin()
        self.assertEqual((bool(self.backlog), self.backlog.size, self.backlog.next()), (False, 0, None))
        self.fill()
        self.assertEqual((bool(self.backlog), self.backlog.size), (True, LIMIT))
        self.assertEqual(self.left(), list("0123456789"))
        self.assertEqual((bool(self.backlog), self.backlog.size), (False, 0))

    def test_same_object(self) -> None:
        """The very message leaves that came."""
        for when_full in WhenFull:
            self.begin(when_full)
            given = message("a", key="k")
            self.backlog.add(given, 0)
            self.assertIs(self.backlog.next(), given)

    def test_clear(self) -> None:
        """All can be dropped, and are counted; then it is as new."""
        for when_full in WhenFull:
            self.begin(when_full)
            self.assertEqual(self.backlog.clear(), 0)
            self.add("a", key="k")
            self.part("1", Part.FIRST)
            self.assertEqual((self.backlog.clear(), self.backlog.size, self.left()), (2, 0, []))
            self.assertRaises(ValueError, self.part, "2", Part.LAST)
            self.add("b", key="k")
            self.assertEqual(self.left(), ["b"])


class FullTests(BacklogTestCase):
    """One more than there is room for."""

    def test_close(self) -> None:
        """CLOSE: it is dropped, and the peer is to be closed."""
        self.begin()
        self.fill()
        self.assertEqual(self.add("x", 0), Outcome(False, 1, True))
        self.assertEqual(self.left(), list("0123456789"))

    def test_drop_newest(self) -> None:
        """DROP_NEWEST: it is dropped."""
        self.begin(WhenFull.DROP_NEWEST)
        self.fill()
        self.assertEqual(self.add("x", 0), Outcome(False, 1))
        self.assertEqual(self.left(), list("0123456789"))

    def test_drop_oldest(self) -> None:
        """DROP_OLDEST, and CONFLATE without a key: as many go as have to, those first that have waited longest."""
        for when_full in DROPPING:
            self.begin(when_full)
            self.fill()
            self.assertEqual(self.add("x", 0), Outcome(True, 1))
            self.assertEqual(self.add("y", 500), Outcome(True, 3))
            self.assertEqual(self.left(), [*"456789", "x", "y"])

    def test_exactly(self) -> None:
        """What fits to the byte is taken."""
        for when_full in WhenFull:
            self.begin(when_full)
            self.assertEqual(self.add("a", 100, besides=LIMIT - 100 - ROOM), TAKEN)
            self.assertNotEqual(self.add("b", 0, besides=LIMIT - 200 - ROOM), TAKEN)

    def test_larger_than_all(self) -> None:
        """One that is larger than the limit is taken if nothing waits, here or elsewhere."""
        for when_full in WhenFull:
            self.begin(when_full)
            self.assertEqual(self.add("a", 2 * LIMIT), TAKEN)
            self.assertEqual(self.left(), ["a"])
            self.assertFalse(self.add("a", 2 * LIMIT, besides=1).taken)

    def test_nothing_is_dropped_in_vain(self) -> None:
        """Where dropping others would not make room for it, it goes, and not they."""
        for when_full in DROPPING:
            self.begin(when_full)
            self.add("a", besides=10)
            self.add("b", besides=10)
            self.assertEqual(self.add("x", LIMIT, besides=10), Outcome(False, 1))
            self.assertEqual(self.left(), ["a", "b"])

    def test_larger_takes_the_room_of_all(self) -> None:
        """Where nothing waits elsewhere, one larger than the limit makes all others go."""
        for when_full in DROPPING:
            self.begin(when_full)
            self.fill()
            self.assertEqual(self.add("x", 2 * LIMIT), Outcome(True, 10))
            self.assertEqual(self.left(), ["x"])


class ConflateTests(BacklogTestCase):
    """The latest of each key."""

    def setUp(self) -> None:
        """Conflate."""
        self.begin(WhenFull.CONFLATE)

    def test_in_place(self) -> None:
        """A message takes the place of the one with its key, and its bytes count instead."""
        for name, key in (("a1", "a"), ("n", None), ("b1", "b"), ("a2", "a"), ("n", None)):
            self.assertEqual(self.add(name, key=key), TAKEN)
        self.assertEqual(self.add("b2", 20, key="b"), TAKEN)
        self.assertEqual(self.backlog.size, 4 * ROOM + 320)
        self.assertEqual((self.left(), self.backlog.size), (["a2", "n", "b2", "n"], 0))

    def test_after_it_has_left(self) -> None:
        """One that has left is not replaced."""
        self.add("a1", key="a")
        self.assertEqual(self.left(), ["a1"])
        self.add("a2", key="a")
        self.assertEqual(self.left(), ["a2"])

    def test_full(self) -> None:
        """What is no larger than what it replaces needs no room."""
        for number in range(10):
            self.add(str(number), key=str(number))
        self.assertEqual(self.add("x", 100, key="5", besides=LIMIT), TAKEN)
        self.assertEqual(self.left(), [*"01234", "x", *"6789"])

    def test_larger(self) -> None:
        """What is larger takes the place as long as there is room for what is more."""
        self.add("a1", key="a")
        self.add("b")
        self.assertEqual(self.add("a2", 500, key="a"), TAKEN)
        self.assertEqual((self.backlog.size, self.left()), (600 + 2 * ROOM, ["a2", "b"]))

    def test_too_large(self) -> None:
        """Else it is taken as a new one, for which the oldest go: keys do not lift the limit."""
        for number in range(10):
            self.add(str(number), key=str(number))
        self.assertEqual(self.add("x", 500, key="5"), Outcome(True, 2))
        self.assertEqual(self.left(), [*"234", *"6789", "x"])
        for number in range(1000):
            self.add(str(number), size=number, key=str(number % 7))
            self.assertLessEqual(self.backlog.size, LIMIT)

    def test_dropped(self) -> None:
        """One with a key can be the oldest; its key is free then."""
        self.add("a1", key="a")
        for number in range(10):
            self.add(str(number))
        self.add("a2", key="a")
        self.assertEqual(self.left(), [*"123456789", "a2"])

    def test_other_policies(self) -> None:
        """Under the other policies a key means nothing."""
        for when_full in set(WhenFull) - {WhenFull.CONFLATE}:
            self.begin(when_full)
            self.add("a1", key="a")
            self.add("a2", key="a")
            self.assertEqual(self.left(), ["a1", "a2"])

    def test_key_is_no_message(self) -> None:
        """An empty key is a key."""
        self.add("a1", key="")
        self.add("a2", key="")
        self.assertEqual(self.left(), ["a2"])


class PartTests(BacklogTestCase):
    """Messages in parts."""

    def setUp(self) -> None:
        """Drop what is new."""
        self.begin(WhenFull.DROP_NEWEST)

    def test_as_given(self) -> None:
        """What has been given of it can be taken at once; what is behind it waits for the last part."""
        self.part("1", Part.FIRST)
        self.add("x")
        self.part("2", Part.CONTINUE)
        self.assertEqual(self.backlog.size, 300 + 3 * ROOM)
        self.assertEqual((self.left(), self.backlog.size, bool(self.backlog)), (["1+2"], 100 + ROOM, True))
        self.assertEqual(self.left(), [])
        self.part("3", Part.LAST)
        self.assertEqual((self.left(), self.backlog.size, bool(self.backlog)), (["3", "x"], 0, False))

    def test_empty(self) -> None:
        """A part without content counts, and can be taken, as any other."""
        for part in (Part.FIRST, Part.CONTINUE, Part.LAST):
            self.assertEqual(self.part("", part, 0), TAKEN)
            self.assertEqual((self.backlog.size, self.left(), self.backlog.size), (ROOM, [""], 0))

    def test_several(self) -> None:
        """Several may wait."""
        for name in "ab":
            self.part(name, Part.FIRST)
            self.part(name, Part.LAST)
        self.assertEqual(self.left(), ["a+a", "b+b"])

    def test_wrong_order(self) -> None:
        """A wrong part is refused, and changes nothing."""
        self.assertRaises(ValueError, self.part, "x", Part.CONTINUE)
        self.assertRaises(ValueError, self.part, "x", Part.LAST)
        self.part("1", Part.FIRST)
        self.assertRaises(ValueError, self.part, "x", Part.FIRST)
        self.assertRaises(TypeError, self.backlog.add_part, b"x", False, Part.LAST, 0)
        self.assertEqual((self.part("2", Part.LAST), self.left()), (TAKEN, ["1+2"]))

    def test_lost(self) -> None:
        """Without room for a part all of it is lost, which counts once; what is still given goes nowhere."""
        for first, outcome in ((100, TAKEN), (LIMIT, Outcome(False, 1))):
            self.setUp()
            self.add("x")
            self.assertEqual(self.part("1", Part.FIRST, first), outcome)
            self.assertIn(self.part("2", Part.CONTINUE, LIMIT), (Outcome(False, 1), Outcome(False)))
            self.assertEqual(self.part("3", Part.CONTINUE), Outcome(False))
            self.assertEqual(self.backlog.size, 100 + ROOM)
            self.add("y")
            self.assertEqual(self.part("4", Part.LAST), Outcome(False))
            self.assertEqual((self.left(), self.backlog.size), (["x", "y"], 0))
            self.assertRaises(ValueError, self.part, "5", Part.LAST)

    def test_lost_alone(self) -> None:
        """So it is where nothing waits here, but elsewhere."""
        self.assertEqual(self.part("1", Part.FIRST, besides=LIMIT), Outcome(False, 1))
        self.assertEqual((self.part("2", Part.LAST), bool(self.backlog)), (Outcome(False), False))

    def test_cleared(self) -> None:
        """When all is dropped, one that has begun does not count among those that have not."""
        for begun in (False, True):
            self.part("1", Part.FIRST)
            self.assertEqual(self.left() if begun else [], ["1"] * begun)
            self.part("2", Part.CONTINUE)
            self.assertEqual((self.backlog.clear(), self.backlog.size), (1 - begun, 0))

    def test_lost_and_begun_anew(self) -> None:
        """After a lost one another may begin, whether the rest of it was given or not."""
        self.add("x")
        self.part("1", Part.FIRST, LIMIT)
        self.assertEqual(self.part("2", Part.FIRST), TAKEN)
        self.assertEqual(self.part("3", Part.LAST), TAKEN)
        self.assertEqual(self.left(), ["x", "2+3"])

    def test_close(self) -> None:
        """Under CLOSE the peer is to be closed, and the message counts once with all that wait."""
        self.begin(WhenFull.CLOSE)
        self.add("x")
        self.part("1", Part.FIRST)
        self.assertEqual(self.part("2", Part.LAST, LIMIT), Outcome(False, 1, True))
        self.assertEqual(self.backlog.clear(), 1)

    def test_room_is_made(self) -> None:
        """Where the oldest are dropped, they are for a part, too; messages in parts are not dropped for others."""
        for when_full in DROPPING:
            self.begin(when_full)
            self.part("1", Part.FIRST)
            for number in range(9):
                self.add(str(number), key=str(number))
            self.assertEqual(self.part("2", Part.LAST, 200), Outcome(True, 2))
            self.assertEqual(self.add("x", LIMIT - 300 - 3 * ROOM), Outcome(True, 7))
            self.assertFalse(self.add("y", LIMIT - 300).taken)
            self.assertEqual(self.left()[0], "1+2")

    def test_begun(self) -> None:
        """One that has begun is not lost alone: the peer is to be closed, and what waits behind it counts."""
        for when_full in WhenFull:
            self.begin(when_full)
            self.part("1", Part.FIRST)
            self.assertEqual(self.left(), ["1"])
            self.add("x")
            self.assertEqual(self.part("2", Part.CONTINUE, LIMIT, besides=1), Outcome(False, 1, True))
            self.assertEqual(self.backlog.clear(), 1)

    def test_begun_and_large(self) -> None:
        """While nothing waits, a part of any size is taken."""
        self.part("1", Part.FIRST)
        self.assertEqual(self.left(), ["1"])
        self.assertEqual(self.part("2", Part.CONTINUE, 2 * LIMIT), TAKEN)

    def test_abandoned(self) -> None:
        """One whose last part will not come is dropped alone, but with all behind it if it has begun."""
        for begun, left, count in ((False, ["x", "y"], 0), (True, [], 2)):
            self.setUp()
            if not begun:
                self.add("x")
            self.part("1", Part.FIRST)
            if begun:
                self.assertEqual(self.left(), ["1"])
                self.add("x")
            self.part("2", Part.CONTINUE)
            self.add("y")
            self.assertEqual((self.backlog.abandon_part(), self.left(), self.backlog.size), (count, left, 0))
            self.assertEqual((self.backlog.abandon_part(), bool(self.backlog)), (0, False))

    def test_complete_is_not_abandoned(self) -> None:
        """One that is complete, or lost already, is left as it is."""
        self.part("1", Part.FIRST)
        self.part("2", Part.LAST)
        self.assertEqual((self.backlog.abandon_part(), self.backlog.size), (0, 200 + 2 * ROOM))
        self.part("3", Part.FIRST, LIMIT)
        self.assertEqual((self.backlog.abandon_part(), self.left()), (0, ["1+2"]))


class Model:
    """
    The same in the simplest way: a list, looked through from the beginning for everything.

    Attributes:
        entries: Name, size, key and kind of what waits.
    """

    def __init__(self, when_full: WhenFull) -> None:
        self.when_full = when_full
        self.entries: list[tuple[str, int, str | None]] = []

    def size(self) -> int:
        """Count the bytes that wait."""
        return sum(size + ROOM for _, size, _ in self.entries)

    def fits(self, size: int, besides: int) -> bool:
        """Whether there is room."""
        waiting = self.size() + besides
        return waiting == 0 or waiting + size + ROOM <= LIMIT

    def add(self, name: str, size: int, key: str | None, besides: int) -> Outcome:
        """Do what the policy says."""
        if self.when_full is WhenFull.CONFLATE and key is not None:
            for place, (_, old, other) in enumerate(self.entries):
                if other == key and (size <= old or self.size() + besides + size - old <= LIMIT):
                    self.entries[place] = (name, size, key)
                    return TAKEN
            self.entries = [each for each in self.entries if each[2] != key]
        dropped = 0
        if self.when_full in DROPPING and (besides == 0 or besides + size + ROOM <= LIMIT):
            while not self.fits(size, besides):
                del self.entries[0]
                dropped += 1
        if self.fits(size, besides):
            self.entries.append((name, size, key))
            return Outcome(True, dropped)
        return Outcome(False, dropped + 1, self.when_full is WhenFull.CLOSE)


class AnyMessagesTests(BacklogTestCase):
    """Whatever comes and goes."""

    @given(
        st.sampled_from(list(WhenFull)),
        st.lists(
            st.one_of(
                st.tuples(
                    st.one_of(st.integers(0, 300), st.integers(0, 2 * LIMIT)),
                    st.sampled_from([None, "a", "b", "c"]),
                    st.sampled_from([0, 0, 0, 1000, LIMIT]),
                ),
                st.none(),
            ),
            max_size=50,
        ),
    )
    @settings(deadline=None, max_examples=300)
    def test_as_the_model(self, when_full: WhenFull, steps: list[Any]) -> None:
        """It takes, drops and gives what the simplest way of doing so would."""
        self.begin(when_full)
        model = Model(when_full)
        for number, step in enumerate(steps):
            if step is None:
                expected = model.entries.pop(0)[:2] if model.entries else None
                self.assertEqual(name_and_size(self.backlog.next()), expected)
            else:
                size, key, besides = step
                size = max(size, 3)
                self.assertEqual(self.add(str(number), size, key, besides), model.add(str(number), size, key, besides))
            self.assertEqual(self.backlog.size, model.size())
        self.assertEqual(self.left(), [name for name, _, _ in model.entries])


def name_and_size(found: Message | PartialMessage | None) -> tuple[str, int] | None:
    """Return the name of a message, and its bytes."""
    return (found.payload.rstrip(b".").decode(), len(found.payload)) if isinstance(found, Message) else None
