"""Promises of `sgcws.codec`: frames as RFC 6455 section 5.2 has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws import codec
from sgcws.codec import BINARY, CLOSE, CONTINUATION, FINAL, PING, PONG, RSV1, TEXT, build_frame
from tests.cases.frames import Frame, read_frames


class BuildFrameTests(SynchronousTestCase):
    """A server's frames."""

    def test_examples(self) -> None:
        """Those of RFC 6455 section 5.7 that are not masked come out as printed there."""
        for first, payload, frame in (
            (FINAL | TEXT, b"Hello", b"\x81\x05Hello"),
            (TEXT, b"Hel", b"\x01\x03Hel"),
            (FINAL | CONTINUATION, b"lo", b"\x80\x02lo"),
            (FINAL | PING, b"Hello", b"\x89\x05Hello"),
            (FINAL | BINARY, bytes(256), b"\x82\x7e\x01\x00" + bytes(256)),
            (FINAL | BINARY, bytes(65536), b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + bytes(65536)),
        ):
            self.assertEqual(build_frame(first, payload), frame)

    def test_compressed(self) -> None:
        """That of RFC 7692 section 7.2.3.1, too."""
        payload = bytes.fromhex("f248cdc9c90700")
        self.assertEqual(build_frame(FINAL | RSV1 | TEXT, payload), b"\xc1\x07" + payload)

    def test_opcodes(self) -> None:
        """The opcodes are those of the standard."""
        self.assertEqual((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG), (0, 1, 2, 8, 9, 10))
        self.assertEqual([name for name in codec.__all__ if not hasattr(codec, name)], [])

    @given(st.sampled_from([0, 1, 125, 126, 127, 128, 65535, 65536, 65537]) | st.integers(0, 70_000))
    def test_any_size(self, size: int) -> None:
        """The length takes as few bytes as it can, whatever it is, and the payload is unchanged."""
        payload = bytes(range(256)) * (size // 256 + 1)
        frame = build_frame(FINAL | BINARY, payload[:size])
        self.assertEqual(read_frames(frame), [Frame(BINARY, payload[:size])])
        self.assertEqual(len(frame) - size, 2 if size < 126 else 4 if size < 65536 else 10)
