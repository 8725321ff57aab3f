"""Tests of `sgcws.options.security`."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.security import SecurityOptions
from sgcws.rules.origin import parse_pattern


class SecurityOptionsTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """By default browsers have to come from the same origin, and programs may come."""
        options = SecurityOptions()
        self.assertEqual((options.allowed_origins, options.origin_patterns), ((), ()))
        self.assertTrue(options.allow_missing_origin)

    def test_patterns(self) -> None:
        """The patterns are there parsed, and a changed copy has its own."""
        options = SecurityOptions(allowed_origins=("*", "null"))
        self.assertEqual(options.origin_patterns, (parse_pattern("*"), parse_pattern("null")))
        changed = attrs.evolve(options, allowed_origins=("http://a:*",))
        self.assertEqual(changed.origin_patterns, (parse_pattern("http://a:*"),))

    def test_refused(self) -> None:
        """A pattern that could never match is refused when it is written."""
        wrong: tuple[Any, ...] = (
            "*",
            ("example.com",),
            ("https://example.com/",),
            ("https://*",),
            ("https://a*.example.com",),
            ("null", "null"),
            None,
        )
        for patterns in wrong:
            error = self.assertRaises(OptionError, SecurityOptions, allowed_origins=patterns)
            self.assertEqual((error.field, error.value), ("allowed_origins", patterns))

    def test_slash(self) -> None:
        """A slash at the end, which an address has in a browser but no origin has, is spoken of."""
        error = self.assertRaises(OptionError, SecurityOptions, allowed_origins=("https://example.com/",))
        self.assertIn("nothing behind it, not even a slash", error.allowed)

    @settings(deadline=None, database=None)
    @given(st.text() | st.from_regex(r"\Ahttps?://[a-z*.:0-9/]*\Z"))
    def test_any_text(self, pattern: str) -> None:
        """Any text is a pattern, or refused."""
        try:
            options = SecurityOptions(allowed_origins=(pattern,))
        except OptionError:
            return
        self.assertEqual(options.origin_patterns, (parse_pattern(pattern),))
