"""Any conversation that RFC 6455 allows is answered as it says, to the byte."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from .frames import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, echo, frame
from .link import CaseTestCase, Told

Sent = tuple[bytes, list[Frame], list[Told]]
"""The bytes of one frame, the frames that answer it, and what the application is told at it."""

masks = st.binary(min_size=4, max_size=4)
small = st.binary(max_size=125)
texts = st.text(max_size=200) | st.sampled_from(("", "x" * 125, "x" * 126, "x" * 65535, "x" * 65536, "é" * 40000))
messages = texts | st.binary(max_size=400) | st.sampled_from((b"\xff" * 126, b"\x88\x80" * 33000))


@st.composite
def controls(draw: st.DrawFn) -> list[Sent]:
    """Draw some pings and pongs."""
    found: list[Sent] = []
    for opcode in draw(st.lists(st.sampled_from((PING, PONG)), max_size=2)):
        payload = draw(small)
        found.append((frame(opcode, payload, mask=draw(masks)), [Frame(PONG, payload)] * (opcode == PING), []))
    return found


@st.composite
def message_frames(draw: st.DrawFn) -> list[Sent]:
    """Draw a message in fragments of any sizes, with control frames anywhere between."""
    message = draw(messages)
    opcode, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=5)))
    found = draw(controls())
    for start, end in zip([0, *cuts], [*cuts, None], strict=True):
        data = frame(opcode, payload[start:end], fin=end is None, mask=draw(masks))
        told = ("message" if isinstance(message, str) else "binary", message)
        found.append((data, [echo(message)], [told]) if end is None else (data, [], []))
        opcode = CONTINUATION
        found += draw(controls())
    return found


@st.composite
def conversations(draw: st.DrawFn) -> list[Sent]:
    """Draw some messages, one after the other."""
    return [sent for message in draw(st.lists(message_frames(), max_size=5)) for sent in message]


class AnyMessagesTests(CaseTestCase):
    """Conversations that nobody thought of."""

    @settings(deadline=None, database=None, max_examples=60)
    @given(conversation=conversations(), cuts=st.lists(st.integers(0, 4096), max_size=12), chop=st.integers(1, 1 << 17))
    def test_echo(self, conversation: list[Sent], cuts: list[int], chop: int) -> None:
        """Every message comes back, every ping has its pong, in order, however all is cut (sections 5.4 to 5.6)."""
        data = b"".join(sent for sent, _, _ in conversation)
        with self.case(len(conversation), "frames in packets cut at", cuts, "then of", chop) as link:
            edges = [0, *sorted(cuts)]
            link.send_pieces(data[start:end] for start, end in pairwise(edges) if data[start:end])
            link.send(data[edges[-1] :], max(chop, len(data) // 500))
            expected = [answer for _, answers, _ in conversation for answer in answers]
            self.assert_served(link, *expected, told=[event for _, _, events in conversation for event in events])
