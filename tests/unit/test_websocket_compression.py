"""Promises of `sgcws.websocket.compression`: what Autobahn is told of permessage-deflate, it understands."""

from __future__ import annotations

import itertools

from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOffer
from autobahn.websocket.protocol import WebSocketProtocol
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.deflate import Deflate
from sgcws.websocket.compression import accepted, as_offer


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
            acceptance = accepted(PerMessageDeflateOffer.parse(parameters), deflate, 5)
            made = PerMessageDeflate.create_from_offer_accept(True, acceptance)
            self.assertEqual(made.server_max_window_bits, server_bits)
            self.assertEqual(made.client_max_window_bits, client_bits or 15)
            self.assertEqual(made.server_no_context_takeover, not server_takeover)
            self.assertEqual(made.client_no_context_takeover, not client_takeover)
            self.assertEqual(made.mem_level, 5)
            told = acceptance.get_extension_string()
            self.assertEqual(f"server_max_window_bits={server_bits}" in told, asked)
            self.assertEqual("server_no_context_takeover" in told, not server_takeover)
