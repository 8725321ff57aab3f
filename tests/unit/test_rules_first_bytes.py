"""Promises of `sgcws.rules.first_bytes`: what a peer speaks is told once, and rightly."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.first_bytes import HTTP2_PREFACE, KNOWN_METHODS, LONGEST_LOOK, Speech, classify

HTTP, HTTP2, TLS, MORE, UNKNOWN = Speech.HTTP, Speech.HTTP2, Speech.TLS, Speech.MORE, Speech.UNKNOWN

CASES = (
    (b"", MORE),
    # HTTP, as soon as a known method is whole.
    (b"G", MORE),
    (b"GET", MORE),
    (b"GET ", HTTP),
    (b"GET\t", HTTP),
    (b"POST /x", HTTP),
    (b"OPTIONS *", HTTP),
    (b"CONNECT a:1 HTTP/1.1\r\n", HTTP),
    (b"GETS ", MORE),
    # Any other method, when the line is.
    (b"PROPFIND /x HTTP/1.1", MORE),
    (b"PROPFIND /x HTTP/1.1\r", MORE),
    (b"PROPFIND /x HTTP/1.1\r\n", HTTP),
    (b"PROPFIND /x HTTP/1.1\n", HTTP),
    (b"VERSION-CONTROL / HTTP/1.0\r\nHost", HTTP),
    (b"M-SEARCH * HTTP/1.1\r\n", HTTP),
    (b"HELO example.com", MORE),
    (b"HELO example.com\r\n", UNKNOWN),
    (b"QUIT\r\n", UNKNOWN),
    (b"A" * 33, UNKNOWN),
    (b"A" * 32, MORE),
    # One empty line before it.
    (b"\r", MORE),
    (b"\r\n", MORE),
    (b"\n", MORE),
    (b"\r\nGET ", HTTP),
    (b"\nGET ", HTTP),
    (b"\r\n\r\n", UNKNOWN),
    (b"\rGET ", UNKNOWN),
    # HTTP/2.
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", MORE),
    (HTTP2_PREFACE, HTTP2),
    (HTTP2_PREFACE + b"\0\0\0", HTTP2),
    (b"PRI * HTTP/2.0\r\n\r\nXX", HTTP),
    # TLS.
    (b"\x16", MORE),
    (b"\x16\x03", TLS),
    (b"\x16\x03\x01\x02\x00", TLS),
    (b"\x16\x02", UNKNOWN),
    # Nothing of these.
    (b"h", UNKNOWN),
    (b"get / HTTP/1.1\r\n", UNKNOWN),
    (b"\0", UNKNOWN),
    (b"{", UNKNOWN),
    (b" GET / HTTP/1.1\r\n", UNKNOWN),
    (b"GE\0T", UNKNOWN),
    (b"GE T\rx", UNKNOWN),
    (b"\xff\xf4\xff\xfd\x06", UNKNOWN),
)

fragments = st.sampled_from(
    (
        *(b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b"\x16", b"\x16\x03", b"/", b"x", HTTP2_PREFACE),
        *(b"G", b"GET", b"PROPFIND", b"A" * 33, b"PRI * HTTP/2.0", b"SM", b"HTTP/", b" HTTP/1.1"),
    )
)
near_misses = st.lists(fragments | st.binary(max_size=3), max_size=8).map(b"".join)

methods = st.from_regex(rb"[A-Z][A-Z_-]{0,31}", fullmatch=True) | st.sampled_from(KNOWN_METHODS).map(str.encode)
targets = st.from_regex(rb"[!-~\x80-\xff]{1,100}", fullmatch=True)
versions = st.from_regex(rb"[0-9]\.[0-9]", fullmatch=True)
lines = st.tuples(
    st.sampled_from([b"", b"\r\n", b"\n"]),
    methods,
    st.just(b" "),
    targets,
    st.just(b" HTTP/"),
    versions,
    st.sampled_from([b"\r\n", b"\n"]),
).map(b"".join)


class ClassifyTests(SynchronousTestCase):
    """Any bytes are something."""

    def test_cases(self) -> None:
        """Each of these is what it is."""
        for data, speech in CASES:
            self.assertEqual(classify(data), speech, data)

    def test_complete(self) -> None:
        """What is not enough to tell is unknown when no more is to come; everything else stays what it is."""
        for data, speech in CASES:
            self.assertEqual(classify(data, complete=True), UNKNOWN if speech is MORE else speech, data)

    def test_longest_look(self) -> None:
        """A line without end is unknown at last; a known method does not wait for it."""
        start = b"PROPFIND /"
        self.assertEqual(classify(start.ljust(LONGEST_LOOK - 1, b"x")), MORE)
        self.assertEqual(classify(start.ljust(LONGEST_LOOK, b"x")), UNKNOWN)
        self.assertEqual(classify(b"GET /".ljust(LONGEST_LOOK * 2, b"x")), HTTP)
        end = b" HTTP/1.1\r\n"
        self.assertEqual(classify(start.ljust(LONGEST_LOOK - len(end), b"x") + end), HTTP)
        self.assertEqual(classify(start.ljust(LONGEST_LOOK - len(end) + 1, b"x") + end), UNKNOWN)

    @given(st.binary(max_size=64) | near_misses)
    @example(b"PROPFIND /".ljust(LONGEST_LOOK, b"x") + b" HTTP/1.1\r\n")
    @settings(deadline=None, max_examples=300)
    def test_the_answer_stays(self, data: bytes) -> None:
        """However bytes are cut up, once the answer is not "more" it never changes."""
        cuts = range(len(data) + 1) if len(data) < 200 else [*range(100), *range(len(data) - 100, len(data) + 1)]
        answers = [classify(data[:cut]) for cut in cuts]
        told = [answer for answer in answers if answer is not MORE]
        self.assertLessEqual(len(set(told)), 1)
        self.assertEqual(told, answers[len(answers) - len(told) :])

    @given(st.binary(max_size=64) | near_misses)
    @settings(deadline=None)
    def test_complete_is_an_answer(self, data: bytes) -> None:
        """When no more is to come there is an answer, the one there was if there was one."""
        before, after = classify(data), classify(data, complete=True)
        self.assertIsNot(after, MORE)
        self.assertIs(after, UNKNOWN if before is MORE else before)

    @given(lines, st.binary(max_size=20))
    @settings(deadline=None, max_examples=200)
    def test_request_lines(self, line: bytes, rest: bytes) -> None:
        """Every request line with an upper-case method is HTTP, whatever follows, unless it is HTTP/2's own."""
        speech = classify(line + rest)
        self.assertIn(speech, (HTTP, HTTP2, MORE) if line.startswith(b"PRI * HTTP/2.0\r\n") else (HTTP,))
