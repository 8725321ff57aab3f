"""Promises of `sgcws.realtime.membership`: who is in what, and what somebody is in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.membership import Index, Membership

names = st.sampled_from(["news", "sport", "room"])
guids = st.sampled_from(["ann", "bob", "eve"])
steps = st.lists(st.tuples(st.sampled_from(["join", "leave", "leave all"]), names, guids), max_size=30)


class IndexTests(SynchronousTestCase):
    """Entries under names."""

    def setUp(self) -> None:
        """Have two names."""
        self.index = Index()
        for name, entry in (("b", "2"), ("a", "1"), ("b", "1"), ("b", "2")):
            self.index.add(name, entry)

    def test_order(self) -> None:
        """Names and entries are there once, in the order in which they came."""
        self.assertEqual(list(self.index.names()), ["b", "a"])
        self.assertEqual(list(self.index.under("b")), ["2", "1"])
        self.assertEqual(list(self.index.under("nothing")), [])

    def test_discard(self) -> None:
        """What is taken out was there or not, and a name goes with its last entry."""
        self.assertEqual([self.index.discard("a", entry) for entry in "211"], [False, True, False])
        self.assertFalse(self.index.discard("nothing", "1"))
        self.assertEqual(list(self.index.names()), ["b"])

    def test_views(self) -> None:
        """What it returns follows what happens."""
        names, entries = self.index.names(), self.index.under("b")
        self.index.add("c", "1")
        self.index.discard("b", "1")
        self.assertEqual((list(names), list(entries)), (["b", "a", "c"], ["2"]))


class MembershipTests(SynchronousTestCase):
    """Members of channels, or groups."""

    def setUp(self) -> None:
        """Know three who may join."""
        self.known = {"ann", "bob", "eve"}
        self.channels = Membership("channel", self.known)

    def test_join(self) -> None:
        """Who joins is in, whether new or not; a stranger is not, and leaves no trace."""
        self.assertEqual([self.channels.join("news", guid) for guid in ("ann", "ann", "carl")], [True, True, False])
        self.assertFalse(self.channels.join("empty", "carl"))
        self.assertEqual(self.channels.members("news"), ("ann",))
        self.assertEqual(list(self.channels.names()), ["news"])
        self.assertEqual(self.channels.of("carl"), frozenset())

    def test_leave(self) -> None:
        """Who leaves was in or not; one who is not known any more can leave, too."""
        self.channels.join("news", "ann")
        self.known.clear()
        self.assertEqual([self.channels.leave("news", guid) for guid in ("bob", "ann", "ann")], [False, True, False])
        self.assertFalse(self.channels.leave("nothing", "ann"))
        self.assertEqual((list(self.channels.names()), self.channels.of("ann")), ([], frozenset()))

    def test_bad_names(self) -> None:
        """What is no name is refused, in joining, leaving and asking for several."""
        for call in (self.channels.join, self.channels.leave):
            self.assertRaises(ValueError, call, "", "ann")
            self.assertRaises(TypeError, call, None, "ann")
        self.assertRaises(ValueError, self.channels.in_any, ["news", ""])
        self.assertRaises(TypeError, self.channels.in_any, [b"news"])

    def test_in_any(self) -> None:
        """Who is in several is met once, whoever joins and leaves meanwhile, and whatever the way of asking."""
        some, one, none = (self.channels.in_any(names) for names in (["a", "b", "a"], ["a"], []))
        for name, guid in (("a", "ann"), ("b", "bob"), ("b", "ann"), ("c", "eve")):
            self.channels.join(name, guid)
        self.assertEqual((list(some), list(none)), (["ann", "bob"], []))
        self.assertEqual([guid in some for guid in ("ann", "bob", "eve", 5)], [True, True, False, False])
        self.assertGreaterEqual(len(some), 2)
        self.assertFalse("ann" in none or none)
        one = self.channels.in_any(iter(["a"]))
        self.channels.leave("a", "ann")
        self.assertEqual((list(one), list(some)), ([], ["bob", "ann"]))
        self.channels.leave("b", "ann")
        self.assertNotIn("ann", some)

    @given(steps)
    def test_both_sides(self, steps: list[tuple[str, str, str]]) -> None:
        """Whatever happens, both sides tell the same, in the order of joining, and nothing is kept for nobody."""
        channels = Membership("channel", {"ann", "bob", "eve"})
        pairs: dict[tuple[str, str], None] = {}
        for step, name, guid in steps:
            if step == "join":
                self.assertTrue(channels.join(name, guid))
                pairs[name, guid] = None
            elif step == "leave":
                self.assertEqual(channels.leave(name, guid), (name, guid) in pairs)
                pairs.pop((name, guid), None)
            else:
                channels.leave_all(guid)
                pairs = {pair: None for pair in pairs if pair[1] != guid}
        self.assertEqual(set(channels.names()), {name for name, _ in pairs})
        for name in ("news", "sport", "room"):
            self.assertEqual(channels.members(name), tuple(guid for its, guid in pairs if its == name))
        for guid in ("ann", "bob", "eve"):
            self.assertEqual(channels.of(guid), {name for name, its in pairs if its == guid})
        wanted = channels.in_any(["news", "sport"])
        self.assertEqual(set(wanted), {guid for name, guid in pairs if name != "room"})
        self.assertEqual(set(wanted), {guid for guid in ("ann", "bob", "eve") if guid in wanted})
