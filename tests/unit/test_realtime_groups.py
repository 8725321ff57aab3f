"""Promises of `sgcws.realtime.groups`: what an application puts together, it reaches together."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from sgcws.carrier import Carrier
from sgcws.realtime.groups import Groups
from tests.members import Crowd
from tests.memory import Reactor


class GroupsTests(SynchronousTestCase):
    """Connections are put in and taken out."""

    def setUp(self) -> None:
        """Have three members."""
        self.crowd = Crowd()
        self.ann, self.bob, self.eve = self.crowd.come("ann", "bob", "eve")
        self.groups = Groups(self.crowd.registry, Carrier(Reactor()))

    def test_add(self) -> None:
        """Who is put in is in, whether it was before or not."""
        self.assertEqual([self.groups.add("Room1", self.ann) for _ in "ab"], [True, True])
        self.assertEqual(dict(self.groups), {"Room1": (self.ann,)})
        self.assertEqual(repr(self.groups), "<Groups: 1>")

    def test_remove(self) -> None:
        """Who is taken out was in or not, and an empty group is not there."""
        self.groups.add("Room1", self.ann)
        self.assertEqual([self.groups.remove("Room1", member) for member in (self.bob, self.ann)], [False, True])
        self.assertFalse(self.groups.remove("nothing", self.ann))
        self.assertEqual((len(self.groups), self.groups["Room1"]), (0, ()))

    def test_gone(self) -> None:
        """Who is gone has left all groups, and is put into none."""
        for name in ("Room1", "Room2"):
            self.groups.add(name, self.ann)
        self.groups.add("Room1", self.bob)
        self.ann.go()
        self.assertEqual(dict(self.groups), {"Room1": (self.bob,)})
        self.assertFalse(self.groups.add("Room1", self.ann))
        self.assertFalse(self.groups.remove("Room1", self.ann))

    def test_another_server(self) -> None:
        """A connection of another server is put into no group."""
        (stranger,) = Crowd().come("stranger")
        self.assertFalse(self.groups.add("Room1", stranger))
        self.assertEqual(len(self.groups), 0)

    def test_bad_input(self) -> None:
        """What is no name or no connection is refused, a guid in place of its connection, too."""
        wrong: Any
        for wrong in ("ann", None, 5):
            for call in (self.groups.add, self.groups.remove):
                with self.assertRaisesRegex(TypeError, "connection"):
                    call("Room1", wrong)
        for call in (self.groups.add, self.groups.remove):
            self.assertRaises(ValueError, call, "", self.ann)
            wrong = 5
            self.assertRaises(TypeError, call, wrong, self.ann)

    def test_broadcast(self) -> None:
        """A message reaches all groups that match a mask, but not those who are excluded."""
        for name, member in (("Room1", self.ann), ("Room2", self.bob), ("Hall", self.eve), ("Room2", self.ann)):
            self.groups.add(name, member)
        self.assertEqual(self.groups.broadcast("Room*", "hi", key="k"), 2)
        self.assertEqual(self.groups.broadcast("Room*", "hi", exclude=self.ann.guid), 1)
        self.assertEqual(self.groups.broadcast("room*", "hi"), 0)
        self.assertEqual([len(member.sent) for member in (self.ann, self.bob, self.eve)], [1, 2, 0])
        self.assertEqual((self.ann.sent[0].payload, self.ann.sent[0].key), (b"hi", "k"))


class Threads(list[str]):
    """
    Writes down in which threads members are looked at.

    Attributes:
        seen: These.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()

    def append(self, guid: str) -> None:
        """Write down this one."""
        self.seen.add(get_ident())


class ThreadTests(TestCase):
    """Groups in the hands of another thread."""

    timeout = 30

    async def test_carried(self) -> None:
        """What is called there is done in the reactor's thread, and its answer comes back."""
        crowd = Crowd()
        crowd.looks = threads = Threads()
        (ann,) = crowd.come("ann")
        carrier = Carrier(reactor)  # type: ignore[arg-type]
        self.addCleanup(carrier.close)
        groups = Groups(crowd.registry, carrier)
        calls: tuple[tuple[Callable[..., Any], tuple[Any, ...], Any], ...] = (
            (groups.add, ("Room1", ann), True),
            (groups.broadcast, ("Room*", "hi"), 1),
            (groups.remove, ("Room1", ann), True),
        )
        for call, args, answer in calls:
            threads.seen.clear()
            self.assertEqual(await deferToThread(call, *args), answer)
            self.assertEqual(threads.seen, {get_ident()})

    async def test_looking(self) -> None:
        """Looking needs no way round, there as here."""
        crowd = Crowd()
        (ann,) = crowd.come("ann")
        carrier = Carrier(reactor)  # type: ignore[arg-type]
        self.addCleanup(carrier.close)
        groups = Groups(crowd.registry, carrier)
        groups.add("Room1", ann)
        self.assertEqual(await deferToThread(lambda: list(groups.items())), [("Room1", (ann,))])
