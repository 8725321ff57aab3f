"""The names of the events: the original's, in snake_case, and what was added to them."""

from __future__ import annotations

from typing import get_origin, get_type_hints

from twisted.trial.unittest import SynchronousTestCase

from sgcws.events import Events, Fact, Question

HERE = """
    on_startup on_shutdown on_tcp_connect on_unknown_protocol on_handshake on_connect on_disconnect on_message
    on_binary on_fragmented on_error on_exception on_before_heartbeat on_before_command on_command_get
    on_command_other
"""
"""Events of the original that are fired today."""

TO_COME = """
    on_authentication on_unknown_authentication
    on_before_forward_http on_after_forward_http
    on_create_session on_invalid_session on_session_start on_session_end
    on_http_upload_before_create_post_stream on_http_upload_read_input on_http_upload_before_save_file
    on_http_upload_after_save_file
    on_http2_before_async_request
    on_load_balancer_connect on_load_balancer_disconnect on_load_balancer_error
    on_ssl_get_handler on_ssl_after_create_handler on_ssl_verify_peer on_ssl_alpn_select
"""
"""Events of the original that arrive with the work that fires them."""

OUR_OWN: tuple[str, ...] = ("on_slow_client",)
"""Events that the original does not have."""

OUR_OWN_TO_COME = ("on_backplane_state", "on_backplane_gap")

QUESTIONS = """
    on_tcp_connect on_unknown_protocol on_handshake on_before_heartbeat on_before_command on_command_get
    on_command_other
"""
"""Those of today's events that are asked; the others are told."""


class NameTests(SynchronousTestCase):
    """No event appears or goes without being listed."""

    def test_the_original(self) -> None:
        """The original has 36 events, each listed once."""
        names = (HERE + TO_COME).split()
        self.assertEqual((len(names), len(set(names))), (36, 36))
        self.assertEqual(set(names) & set(OUR_OWN + OUR_OWN_TO_COME), set())

    def test_events(self) -> None:
        """What is listed as here is an event, and nothing else is."""
        declared = get_type_hints(Events)
        self.assertEqual(set(declared), {*HERE.split(), *OUR_OWN})

    def test_kinds(self) -> None:
        """Each event is of its kind, made under its own name, and silent until somebody registers."""
        events = Events(self.fail, self.fail)  # type: ignore[arg-type]
        for name, kind in get_type_hints(Events).items():
            event = getattr(events, name)
            self.assertIs(get_origin(kind), Question if name in QUESTIONS.split() else Fact, name)
            self.assertIsInstance(event, get_origin(kind))
            self.assertEqual((event.name, bool(event)), (name, False))
