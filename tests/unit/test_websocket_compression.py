"""Promises of `sgcws.websocket.compression`: what is agreed on, Autobahn tells, and another's client understands."""

from __future__ import annotations

import itertools

from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOffer
from autobahn.websocket.protocol import WebSocketProtocol
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.frames import Opcode as FrameOpcode

from sgcws.options import Compression
from sgcws.rules.deflate import Deflate, agree, parse_extensions
from sgcws.websocket.compression import accepted, as_offer
from sgcws.websocket.deflating import Deflater
from sgcws.websocket.inflating import Inflater

from ..zlib_peer import payloads, unhurried

clients = st.builds(
    ClientPerMessageDeflateFactory,
    server_no_context_takeover=st.booleans(),
    client_no_context_takeover=st.booleans(),
    server_max_window_bits=st.none() | st.integers(8, 15),
    client_max_window_bits=st.none() | st.just(True) | st.integers(9, 15),
)
"""Every client that the websockets library can be."""


def answer(deflate: Deflate) -> str:
    """Return the header that Autobahn answers with."""
    ((_, parameters),) = WebSocketProtocol._parseExtensionsHeader(object(), as_offer(deflate))  # type: ignore[arg-type]
    return str(accepted(PerMessageDeflateOffer.parse(parameters), deflate).get_extension_string())


class CompressionTests(SynchronousTestCase):
    """Everything that can be agreed on."""

    def test_understood(self) -> None:
        """Autobahn works with just the windows that were agreed on."""
        for server_bits, asked, server_takeover, client_bits, client_takeover in itertools.product(
            range(9, 16), (True, False), (True, False), (None, *range(9, 15)), (True, False)
        ):
            deflate = Deflate(
                server_bits=server_bits,
                server_bits_asked=asked,
                server_takeover=server_takeover,
                client_bits=client_bits,
                client_takeover=client_takeover,
            )
            ((_, parameters),) = WebSocketProtocol._parseExtensionsHeader(object(), as_offer(deflate))  # type: ignore[arg-type]
            acceptance = accepted(PerMessageDeflateOffer.parse(parameters), deflate)
            made = PerMessageDeflate.create_from_offer_accept(True, acceptance)
            self.assertEqual(made.server_max_window_bits, server_bits)
            self.assertEqual(made.client_max_window_bits, client_bits or 15)
            self.assertEqual(made.server_no_context_takeover, not server_takeover)
            self.assertEqual(made.client_no_context_takeover, not client_takeover)
            told = acceptance.get_extension_string()
            self.assertEqual(f"server_max_window_bits={server_bits}" in told, asked)
            self.assertEqual("server_no_context_takeover" in told, not server_takeover)


class AnotherClientTests(SynchronousTestCase):
    """The websockets library, which shares no code with Autobahn."""

    def agreed(self, client: ClientPerMessageDeflateFactory, bits: int, takeover: bool) -> Deflate | None:
        """Return what is agreed on with a client."""
        pairs = client.get_request_params()
        parameters = "".join(f"; {name}" if value is None else f"; {name}={value}" for name, value in pairs)
        offers = parse_extensions([f"permessage-deflate{parameters}"])
        assert offers is not None
        return agree(offers, bits, takeover)

    @unhurried
    @given(clients, st.integers(9, 15), st.booleans(), st.lists(payloads, max_size=3))
    def test_understood(
        self, client: ClientPerMessageDeflateFactory, bits: int, takeover: bool, messages: list[bytes]
    ) -> None:
        """Whatever it offers, it allows the answer, takes it as it was meant, and gets each message and back."""
        deflate = self.agreed(client, bits, takeover)
        if deflate is None:
            self.assertEqual(client.server_max_window_bits, 8)
            return
        extensions = parse_extensions([answer(deflate)])
        assert extensions is not None
        peer = client.process_response_params(extensions[0].parameters, [])
        self.assertLessEqual(deflate.server_bits, peer.remote_max_window_bits)
        self.assertLessEqual(peer.local_max_window_bits, deflate.client_bits or 15)
        deflater, inflater = Deflater(deflate, Compression()), Inflater(deflate, Compression())
        for message in messages:
            sent = Frame(FrameOpcode.BINARY, deflater.compress(message), rsv1=True)
            self.assertEqual(peer.decode(sent).data, message)
            inflater.start_decompress_message()
            data = bytes(peer.encode(Frame(FrameOpcode.BINARY, message)).data)
            self.assertEqual(inflater.decompress_message_data(data), message)
            inflater.end_decompress_message()
