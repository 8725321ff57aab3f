"""Tests of `sgcws.rules.origin`: what a header and a pattern may be, and whose pages may connect."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import InvalidOrigin
from sgcws.rules.origin import (
    OPAQUE,
    Authority,
    Origin,
    OriginPattern,
    allowed,
    parse_authority,
    parse_origin,
    parse_pattern,
)

unhurried = settings(deadline=None, database=None)
label = st.from_regex(r"[a-z_-][a-z0-9_-]{0,10}[a-z]", fullmatch=True)
host = st.lists(label, min_size=1, max_size=4).map(".".join) | st.ip_addresses(v=4).map(str)
port = st.integers(1, 65535)
near_misses = st.text(alphabet="htps:/*.[]0123456789axf-_@ ,\t\r\n\0é", max_size=40)

EVERY_ORIGIN = (parse_pattern("*"),)
EXAMPLE = (parse_pattern("https://example.com"), parse_pattern("https://*.example.org"))
NO_HOSTS = (
    "",
    ":80",
    "a:",
    "a:0",
    "a:080",
    "a:65536",
    "a:80:80",
    "a:80 ",
    "a:\u0668\u0660",
    " a",
    "a\n",
    "a b",
    "a,b",
    "a/",
    "a?b",
    "a#b",
    "a\\b",
    "a%41",
    "user@a",
    "user:secret@a",
    ".a",
    "a..b",
    "a.*",
    "*",
    "bücher.example",
    "x" * 64,
    "x." * 128 + "x",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.04",
    "0x7f.1",
    "a.0x",
    "::1",
    "[::1",
    "[]",
    "[1.2.3.4]",
    "[::1%25lo]",
    "[::g]",
    "[::1]x",
    "[::1]:",
)


class AuthorityTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """A host comes out in one form: lower case, an IPv6 address short and without brackets."""
        for text, wanted in (
            ("Example.COM", Authority("example.com", None)),
            ("example.com.", Authority("example.com.", None)),
            ("my_app:8080", Authority("my_app", 8080)),
            ("127.0.0.1:1", Authority("127.0.0.1", 1)),
            ("[::1]", Authority("::1", None)),
            ("[0:0:0:0:0:0:0:0001]:65535", Authority("::1", 65535)),
            ("[2001:DB8::A]:80", Authority("2001:db8::a", 80)),
        ):
            self.assertEqual(parse_authority(text), wanted, text)

    def test_refused(self) -> None:
        """What is no host with an optional port is refused."""
        for text in NO_HOSTS:
            self.assertRaises(InvalidOrigin, parse_authority, text)

    def test_nothing_of_the_peer_in_the_error(self) -> None:
        """The error may be logged: it shows no text of the peer's."""
        error = self.assertRaises(InvalidOrigin, parse_authority, "user:secret@example")
        self.assertNotIn("secret", str(error))

    @unhurried
    @given(st.text() | near_misses)
    @example("a" * 100_000)
    @example("a." * 50_000)
    @example("[" + ":" * 300 + "]")
    def test_any_text(self, text: str) -> None:
        """Any text is an authority or an `InvalidOrigin`, and an authority is one in itself."""
        try:
            found = parse_authority(text)
        except InvalidOrigin:
            return
        written = f"[{found.host}]" if ":" in found.host else found.host
        self.assertEqual(parse_authority(written), Authority(found.host, None))


class OriginTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """Scheme and host are lower case, and a default port is the same written or not."""
        for text, wanted in (
            ("https://example.com", Origin("https", "example.com", 443)),
            ("HTTPS://Example.com:443", Origin("https", "example.com", 443)),
            ("http://example.com", Origin("http", "example.com", 80)),
            ("http://[::1]:8080", Origin("http", "::1", 8080)),
            ("capacitor://localhost", Origin("capacitor", "localhost", None)),
            ("null", OPAQUE),
        ):
            self.assertEqual(parse_origin(text), wanted, text)

    def test_refused(self) -> None:
        """A path, user information, a list, white space or anything else behind the origin is refused."""
        for text in (
            "",
            "Null",
            "null ",
            "example.com",
            "//example.com",
            "https:example.com",
            "https://",
            "file://",
            "1http://a",
            "http://a/",
            "http://a http://b",
            "http://a,http://b",
            "http://a\r\n",
            "http://a\nx://b",
            " http://a",
            "https://*.example.com",
            "http://a:*",
            "*",
        ):
            self.assertRaises(InvalidOrigin, parse_origin, text)
        for authority in NO_HOSTS:
            self.assertRaises(InvalidOrigin, parse_origin, f"http://{authority}")

    @unhurried
    @given(st.text() | near_misses | near_misses.map("http://{}".format))
    def test_any_text(self, text: str) -> None:
        """Any text is an origin or an `InvalidOrigin`."""
        try:
            origin = parse_origin(text)
        except InvalidOrigin:
            return
        self.assertEqual(origin is OPAQUE, text == "null")

    @unhurried
    @given(st.sampled_from(["http", "https", "moz-extension"]), host, port)
    def test_round_trip(self, scheme: str, host: str, port: int) -> None:
        """What is put together from scheme, host and port comes apart into them, whatever the case."""
        text = f"{scheme}://{host}:{port}"
        self.assertEqual(parse_origin(text), Origin(scheme, host, port))
        self.assertEqual(parse_origin(text.upper()), Origin(scheme, host, port))


class PatternTests(SynchronousTestCase):
    def assert_matches(self, pattern: str, *, yes: tuple[str, ...], no: tuple[str, ...]) -> None:
        parsed = parse_pattern(pattern)
        for text in yes:
            self.assertTrue(parsed.matches(parse_origin(text)), text)
        for text in no:
            self.assertFalse(parsed.matches(parse_origin(text)), text)

    def test_exact(self) -> None:
        """A plain pattern means one origin, and nothing that only begins or ends like it."""
        self.assert_matches(
            "https://Example.com",
            yes=("https://example.com", "https://EXAMPLE.com:443"),
            no=(
                "http://example.com",
                "https://example.com:8443",
                "https://example.com.evil",
                "https://example.com.",
                "https://evilexample.com",
                "https://a.example.com",
                "null",
            ),
        )

    def test_any_port(self) -> None:
        """A star for the port means every port of that scheme and host."""
        self.assert_matches(
            "http://localhost:*",
            yes=("http://localhost", "http://localhost:3000"),
            no=("https://localhost:3000", "http://localhost.evil:3000", "null"),
        )
        self.assert_matches("http://[::1]:*", yes=("http://[0::1]:5",), no=("http://[::2]:5",))

    def test_any_subdomain(self) -> None:
        """A star for a label means exactly one whole label."""
        self.assert_matches(
            "https://*.example.com",
            yes=("https://a.example.com",),
            no=(
                "https://example.com",
                "https://a.b.example.com",
                "https://aexample.com",
                "https://a.example.com.evil",
                "https://a.example.com:8443",
                "http://a.example.com",
            ),
        )

    def test_both_stars(self) -> None:
        """Label and port can both be left open."""
        self.assert_matches(
            "https://*.example.com:*",
            yes=("https://a.example.com", "https://b.example.com:8443"),
            no=("https://example.com:8443", "http://a.example.com"),
        )

    def test_words(self) -> None:
        """A lone star means every origin, "null" the opaque one."""
        self.assert_matches("*", yes=("null", "http://a", "x://b:1"), no=())
        self.assert_matches("null", yes=("null",), no=("http://null",))

    def test_refused(self) -> None:
        """A star anywhere else is refused, and so is a pattern that could never match."""
        for text in (
            "",
            "**",
            "*:*",
            "null:*",
            "*.example.com",
            "*://example.com",
            "https://*",
            "https://*:*",
            "https://*.",
            "https://*.*.example.com",
            "https://a.*.example.com",
            "https://a*.example.com",
            "https://*a.example.com",
            "https://*.1.2.3.4",
            "https://*.[::1]",
            "https://example.*",
            "https://example.com:*:*",
            "https://example.com:80:*",
            "https://example.com:8*",
            "https://example.com/",
            "https://example.com/*",
            "https://bücher.example",
        ):
            self.assertRaises(InvalidOrigin, parse_pattern, text)

    @unhurried
    @given(st.text() | near_misses | near_misses.map("http://*.{}:*".format))
    def test_any_text(self, text: str) -> None:
        """Any text is a pattern or an `InvalidOrigin`."""
        try:
            pattern = parse_pattern(text)
        except InvalidOrigin:
            return
        self.assertIsInstance(pattern, OriginPattern)

    @unhurried
    @given(host, port)
    def test_origin_is_its_own_pattern(self, host: str, port: int) -> None:
        """An origin, taken as a pattern, means itself and not its neighbors."""
        pattern = parse_pattern(f"https://{host}:{port}")
        self.assertTrue(pattern.matches(Origin("https", host, port)))
        self.assertFalse(pattern.matches(Origin("https", f"x.{host}", port)))
        self.assertFalse(pattern.matches(Origin("https", f"{host}x", port)))
        self.assertFalse(pattern.matches(Origin("http", host, port)))

    @unhurried
    @given(label, st.lists(label, min_size=1, max_size=3).map(".".join), port)
    def test_one_label(self, first: str, rest: str, port: int) -> None:
        """A star takes any one label, and never none or two."""
        pattern = parse_pattern(f"https://*.{rest}:*")
        self.assertTrue(pattern.matches(Origin("https", f"{first}.{rest}", port)))
        self.assertFalse(pattern.matches(Origin("https", rest, port)))
        self.assertFalse(pattern.matches(Origin("https", f"{first}.{first}.{rest}", port)))


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

    def test_fetch_site(self) -> None:
        """Where a browser sends no origin, what it says of the page's site decides; what a program says is the same."""
        for patterns, missing, site, wanted in (
            ((), True, "none", True),
            ((), False, "none", False),
            ((), True, "same-origin", True),
            ((), False, "same-origin", True),
            (EXAMPLE, True, "same-origin", True),
            (EXAMPLE, False, "same-origin", False),
            ((), True, "same-site", False),
            ((), True, "cross-site", False),
            (EVERY_ORIGIN, True, "cross-site", False),
            ((), True, "", False),
        ):
            self.assertIs(allowed(None, "own", None, patterns, missing, site), wanted, (patterns, missing, site))
        for site in ("cross-site", "same-origin"):
            self.assertTrue(allowed("http://own", "own", None, (), True, site))
            self.assertFalse(allowed("http://other", "own", None, (), True, site))


class DecisionPropertyTests(SynchronousTestCase):
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
