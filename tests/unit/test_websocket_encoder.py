"""`sgcws.websocket.encoder` and `sgcws.websocket.assembly`: messages as frames, and frames as messages."""

from __future__ import annotations

import zlib
from collections.abc import Hashable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.framing import Message
from sgcws.websocket.assembly import Assembly
from sgcws.websocket.encoder import Encoder
from tests.web import BINARY, TEXT, Frame, read_frames

unhurried = settings(deadline=None, database=None)

CONTINUATION, COMPRESSED = 0, 4


class Squeeze:
    """
    A compressor that marks what it did.

    Attributes:
        shared: How often it compressed for several peers.
        skipped: How often it was told that another did.
    """

    form: Hashable = "squeezed"

    def __init__(self) -> None:
        self.shared = self.skipped = 0

    def wants(self, size: int) -> bool:
        """Take what is long."""
        return size > 5

    def compress(self, payload: bytes) -> bytes:
        """Compress a message."""
        return zlib.compress(payload)

    def compress_part(self, payload: bytes, first: bool, last: bool) -> bytes:
        """Mark a part."""
        return b"<" * first + payload + b">" * last

    def compress_shared(self, payload: bytes) -> bytes:
        """Compress for several peers."""
        self.shared += 1
        return zlib.compress(payload)

    def skip(self) -> None:
        """Hear of another."""
        self.skipped += 1


class EncoderTests(SynchronousTestCase):
    """Messages become frames."""

    def test_whole(self) -> None:
        """A message is one final frame, text or binary."""
        encoder = Encoder(None)
        self.assertEqual(read_frames(encoder.encode(Message(b"hi", True))[0]), [Frame(TEXT, b"hi")])
        self.assertEqual(read_frames(encoder.encode(Message(b"", False))[0]), [Frame(BINARY, b"")])

    @unhurried
    @given(st.binary(max_size=400), st.integers(1, 150), st.booleans())
    def test_fragments(self, payload: bytes, size: int, text: bool) -> None:
        """Fragments have the size that was asked for, the last what is left, and give the message back."""
        encoded = Encoder(None).encode(Message(payload, text, fragment_size=size))
        frames = [frame for data in encoded for frame in read_frames(data)]
        self.assertEqual(len(frames), len(encoded))
        self.assertEqual(b"".join(frame.payload for frame in frames), payload)
        self.assertTrue(all(len(frame.payload) == size for frame in frames[:-1]))
        self.assertEqual(len(frames[-1].payload) > 0, bool(payload))
        self.assertEqual([frame.fin for frame in frames], [False] * (len(frames) - 1) + [True])
        opcodes = [TEXT if text else BINARY] + [CONTINUATION] * (len(frames) - 1)
        self.assertEqual([frame.opcode for frame in frames], opcodes)

    def test_parts(self) -> None:
        """Parts are fragments as they are given."""
        encoder = Encoder(None)
        given = (("a", True, False), ("b", False, False), ("c", False, True))
        frames = [encoder.encode_part(part.encode(), True, first, last)[0] for part, first, last in given]
        expected = [Frame(TEXT, b"a", fin=False), Frame(CONTINUATION, b"b", fin=False), Frame(CONTINUATION, b"c")]
        self.assertEqual(read_frames(b"".join(frames)), expected)

    def test_compressed(self) -> None:
        """A message that is worth it is compressed before it is split, and only its first frame is marked."""
        encoded = Encoder(Squeeze()).encode(Message(b"x" * 1000, True, fragment_size=8))
        frames = read_frames(b"".join(encoded))
        self.assertEqual(zlib.decompress(b"".join(frame.payload for frame in frames)), b"x" * 1000)
        self.assertEqual([frame.rsv for frame in frames], [COMPRESSED] + [0] * (len(frames) - 1))
        self.assertEqual(read_frames(Encoder(Squeeze()).encode(Message(b"short", True))[0]), [Frame(TEXT, b"short")])

    def test_compressed_parts(self) -> None:
        """Parts are one compressed message."""
        encoder = Encoder(Squeeze())
        frames = [encoder.encode_part(b"a", False, True, False)[0], encoder.encode_part(b"b", False, False, True)[0]]
        expected = [Frame(BINARY, b"<a", COMPRESSED, fin=False), Frame(CONTINUATION, b"b>")]
        self.assertEqual(read_frames(b"".join(frames)), expected)

    def test_shared(self) -> None:
        """A message for several peers is made once for all that take it in the same form."""
        squeezes = [Squeeze(), Squeeze()]
        message = Message(b"x" * 1000, True, forms={})
        encoders = [Encoder(None), *map(Encoder, squeezes), Encoder(None)]
        plain, squeezed, squeezed_too, plain_too = (encoder.encode(message) for encoder in encoders)
        self.assertIs(plain, plain_too)
        self.assertIs(squeezed, squeezed_too)
        self.assertEqual([(squeeze.shared, squeeze.skipped) for squeeze in squeezes], [(1, 1), (0, 1)])

    def test_shared_but_short(self) -> None:
        """One that is not worth compressing is the same for all."""
        squeeze = Squeeze()
        message = Message(b"short", True, forms={})
        self.assertIs(Encoder(squeeze).encode(message), Encoder(None).encode(message))
        self.assertEqual((squeeze.shared, squeeze.skipped), (0, 0))


class AssemblyTests(SynchronousTestCase):
    """Pieces become a whole."""

    @unhurried
    @given(st.lists(st.lists(st.binary(max_size=20), max_size=8), max_size=3))
    def test_any_pieces(self, wholes: list[list[bytes]]) -> None:
        """Whatever the pieces, the whole is all of them, and the next begins anew."""
        assembly = Assembly()
        for pieces in wholes:
            for piece in pieces:
                assembly.add(piece)
            self.assertEqual(assembly.size, sum(map(len, pieces)))
            self.assertEqual(assembly.take(), b"".join(pieces))
            self.assertEqual(assembly.size, 0)

    def test_one_piece(self) -> None:
        """A whole that came in one piece is not copied."""
        assembly, piece = Assembly(), b"in one piece"
        assembly.add(b"")
        assembly.add(piece)
        self.assertIs(assembly.take(), piece)
