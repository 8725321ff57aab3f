"""Promises of `sgcws.rules.deflate`: how permessage-deflate is agreed on."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.deflate import Deflate, Extension, agree, parse_extensions

unhurried = settings(deadline=None, database=None)

D = "permessage-deflate"

offer_texts = st.lists(
    st.sampled_from(
        (
            "client_max_window_bits",
            *(f"client_max_window_bits={bits}" for bits in range(6, 18)),
            *(f"server_max_window_bits={bits}" for bits in range(6, 18)),
            "server_no_context_takeover",
            "client_no_context_takeover",
            "client_no_context_takeover=1",
            "x",
        )
    ),
    max_size=5,
).map(lambda parameters: "; ".join([D, *parameters]))


class ParseTests(SynchronousTestCase):
    """Reading ``Sec-WebSocket-Extensions`` (RFC 6455 section 9.1)."""

    def test_read(self) -> None:
        """Names, parameters and values are read, quoted or not, from one header or several."""
        self.assertEqual(parse_extensions([]), [])
        self.assertEqual(parse_extensions(["Foo"]), [Extension("foo")])
        self.assertEqual(
            parse_extensions(['foo; a ; b=1;c = "2", bar', "baz"]),
            [Extension("foo", (("a", None), ("b", "1"), ("c", "2"))), Extension("bar"), Extension("baz")],
        )

    def test_not_readable(self) -> None:
        """What the grammar does not allow is told apart from nothing."""
        for text in ("foo;", "foo bar", ";a", "foo; a=", 'foo; a=""', 'foo; a="x', 'foo; a="b c"', "foo; a=b=c", "föö"):
            self.assertIsNone(parse_extensions([text]), text)

    @unhurried
    @given(st.lists(st.text()))
    def test_any_text(self, values: list[str]) -> None:
        """Any text gives a list or None."""
        found = parse_extensions(values)
        self.assertTrue(found is None or all(isinstance(extension, Extension) for extension in found))


class AgreeTests(SynchronousTestCase):
    """Answering offers (RFC 7692 section 7)."""

    def agree(self, header: str, bits: int = 12, takeover: bool = True) -> Deflate | None:
        offers = parse_extensions([header])
        assert offers is not None
        return agree(offers, bits, takeover)

    def agreed(self, header: str, bits: int = 12, takeover: bool = True) -> Deflate:
        found = self.agree(header, bits, takeover)
        assert found is not None, header
        return found

    def test_plain(self) -> None:
        """A bare offer limits our own window alone: the client has not let us limit its."""
        self.assertEqual(
            self.agreed(D),
            Deflate(
                server_bits=12, server_bits_asked=False, server_takeover=True, client_bits=None, client_takeover=True
            ),
        )

    def test_browsers(self) -> None:
        """A client that lets us limit its window is limited to ours."""
        self.assertEqual(self.agreed(f"{D}; client_max_window_bits").client_bits, 12)

    def test_client_hint(self) -> None:
        """The client is never told a larger window than it says it uses; one that zlib has not is not told at all."""
        for hint, wanted in (("15", 12), ("12", 12), ("10", 10), ("9", 9), ("8", None)):
            self.assertEqual(self.agreed(f"{D}; client_max_window_bits={hint}").client_bits, wanted, hint)

    def test_largest_windows(self) -> None:
        """A window of 15 bits is what the client has anyway, and is not told."""
        self.assertIsNone(self.agreed(f"{D}; client_max_window_bits", bits=15).client_bits)
        self.assertEqual(self.agreed(f"{D}; client_max_window_bits=11", bits=15).client_bits, 11)

    def test_server_window(self) -> None:
        """Our window is never larger than the client wants; what zlib cannot do is declined."""
        for asked, wanted in (("15", 12), ("12", 12), ("10", 10), ("9", 9)):
            found = self.agreed(f"{D}; server_max_window_bits={asked}")
            self.assertEqual((found.server_bits, found.server_bits_asked), (wanted, True), asked)
        self.assertIsNone(self.agree(f"{D}; server_max_window_bits=8"))

    def test_takeover(self) -> None:
        """Either side can have windows forgotten after each message."""
        asked = self.agreed(f"{D}; server_no_context_takeover; client_no_context_takeover")
        self.assertEqual((asked.server_takeover, asked.client_takeover), (False, False))
        ours = self.agreed(D, takeover=False)
        self.assertEqual((ours.server_takeover, ours.client_takeover), (False, False))

    def test_declined(self) -> None:
        """Offers that RFC 7692 does not allow are declined, and no error."""
        for parameter in (
            "unknown",
            "server_no_context_takeover=1",
            "client_no_context_takeover=true",
            "server_max_window_bits",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=010",
            "server_max_window_bits=x",
            "client_max_window_bits=7",
            "client_max_window_bits=16",
            "client_max_window_bits=9; client_max_window_bits=9",
        ):
            self.assertIsNone(self.agree(f"{D}; {parameter}"), parameter)

    def test_others(self) -> None:
        """Other extensions are declined."""
        self.assertIsNone(self.agree("permessage-bzip2, x-webkit-deflate-frame"))
        self.assertIsNone(agree([], 12, True))

    def test_first_that_fits(self) -> None:
        """The first offer that can be accepted is, in the order that the client prefers."""
        found = self.agreed(f"{D}; unknown, other, {D}; server_max_window_bits=10, {D}")
        self.assertEqual(found.server_bits, 10)

    @unhurried
    @given(offer_texts, st.integers(9, 15), st.booleans())
    def test_any_offer(self, header: str, bits: int, takeover: bool) -> None:
        """Whatever is agreed on, zlib can do, and keeps to what both sides want."""
        found = self.agree(header, bits, takeover)
        if found is not None:
            self.assertTrue(9 <= found.server_bits <= bits)
            self.assertTrue(found.client_bits is None or 9 <= found.client_bits <= min(bits, 14))
            self.assertFalse(not takeover and (found.server_takeover or found.client_takeover))
