"""Tests of `sgcws.rules.origin`: whose pages may connect."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.origins import parse_pattern
from sgcws.rules.origin import allowed

unhurried = settings(deadline=None, database=None)
EVERY_ORIGIN = (parse_pattern("*"),)
EXAMPLE = (parse_pattern("https://example.com"), parse_pattern("https://*.example.org"))


class SameOriginTests(SynchronousTestCase):
    """Without patterns, a page may connect to the server that it came from."""

    def assert_decisions(self, cases: tuple[tuple[str, str | None, bool | None, bool], ...]) -> None:
        for origin, host, secure, wanted in cases:
            self.assertIs(allowed(origin, host, secure, (), True), wanted, (origin, host, secure))

    def test_scheme_not_known(self) -> None:
        """Where TLS may end before us, host and port decide, and a Host without a port fits either scheme."""
        self.assert_decisions(
            (
                ("http://example.com", "example.com", None, True),
                ("https://example.com", "example.com", None, True),
                ("https://example.com", "EXAMPLE.com:443", None, True),
                ("http://example.com:8080", "example.com:8080", None, True),
                ("http://[::1]:8080", "[0:0::1]:8080", None, True),
                ("https://example.com", "example.com:80", None, False),
                ("http://example.com", "example.com:443", None, False),
                ("http://example.com:8080", "example.com", None, False),
            )
        )

    def test_scheme_known(self) -> None:
        """Where it is known whether the client came by TLS, the scheme has to fit, too."""
        self.assert_decisions(
            (
                ("https://example.com", "example.com", True, True),
                ("http://example.com", "example.com", False, True),
                ("http://example.com", "example.com", True, False),
                ("https://example.com", "example.com", False, False),
                ("http://example.com:8443", "example.com:8443", True, False),
            )
        )

    def test_other_host(self) -> None:
        """A host that only begins or ends like ours is another one."""
        self.assert_decisions(
            (
                ("https://example.com.evil", "example.com", None, False),
                ("https://evil-example.com", "example.com", None, False),
                ("https://a.example.com", "example.com", None, False),
                ("https://example.com", "a.example.com", None, False),
                ("https://example.com@evil", "example.com", None, False),
                ("https://evil#example.com", "example.com", None, False),
            )
        )

    def test_no_web_page(self) -> None:
        """The opaque origin and the schemes of extensions and apps are never our own."""
        self.assert_decisions(
            (
                ("null", "", None, False),
                ("null", "null", None, False),
                ("chrome-extension://example", "example", None, False),
                ("ftp://example.com:80", "example.com:80", None, False),
            )
        )

    def test_no_host(self) -> None:
        """A Host that is missing or malformed is nobody's origin."""
        self.assert_decisions(
            (
                ("http://example.com", None, None, False),
                ("http://example.com", "", None, False),
                ("http://example.com", "example.com:", None, False),
                ("http://example.com", "user@example.com", None, False),
            )
        )


class PatternDecisionTests(SynchronousTestCase):
    def test_listed(self) -> None:
        """With patterns, an origin is allowed if one of them means it, whatever host was asked for."""
        self.assertTrue(allowed("https://example.com", "other", True, EXAMPLE, True))
        self.assertTrue(allowed("https://a.example.org", "other", None, EXAMPLE, True))
        self.assertFalse(allowed("https://example.org", "other", None, EXAMPLE, True))

    def test_list_replaces_same_origin(self) -> None:
        """With patterns, the server's own origin is no longer allowed by itself."""
        self.assertFalse(allowed("https://own", "own", True, EXAMPLE, True))

    def test_every_origin(self) -> None:
        """The lone star lets every origin through, even a header that is none."""
        for origin in ("https://anywhere", "null", "file://", ""):
            self.assertTrue(allowed(origin, None, None, EVERY_ORIGIN, False))


class MissingOriginTests(SynchronousTestCase):
    def test_missing(self) -> None:
        """Without an Origin one option alone decides, whatever the patterns."""
        for patterns in ((), EXAMPLE, EVERY_ORIGIN):
            self.assertTrue(allowed(None, "example.com", None, patterns, True))
            self.assertFalse(allowed(None, "example.com", None, patterns, False))

    def test_empty_is_not_missing(self) -> None:
        """An empty header is malformed, not missing."""
        self.assertFalse(allowed("", "example.com", None, (), True))


class PropertyTests(SynchronousTestCase):
    @unhurried
    @given(st.text(), st.none() | st.text(), st.none() | st.booleans())
    def test_any_text(self, origin: str, host: str | None, secure: bool | None) -> None:
        """Any two headers get an answer, never an exception."""
        self.assertIsInstance(allowed(origin, host, secure, (), True), bool)
        self.assertIsInstance(allowed(origin, host, secure, EXAMPLE, True), bool)

    @unhurried
    @given(st.text(min_size=1), st.sampled_from(("https://example.com{}", "{}https://example.com")))
    def test_more_text(self, more: str, shape: str) -> None:
        """Text added to an allowed origin makes another one or none, but for its default port."""
        origin = shape.format(more)
        self.assertIs(allowed(origin, None, None, EXAMPLE, True), more == ":443")
