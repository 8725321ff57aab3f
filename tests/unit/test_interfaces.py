"""Promises of `sgcws.interfaces`: the contracts that applications are typed by."""

from __future__ import annotations

import inspect
from typing import Protocol

from twisted.trial.unittest import SynchronousTestCase

from sgcws import interfaces
from sgcws.http.response import CommandResponse
from sgcws.interfaces import Response


class InterfaceTests(SynchronousTestCase):
    """They are contracts, and nothing else."""

    def test_protocols(self) -> None:
        """Each is a typing protocol, and every member that it declares says what it is for."""
        for name in interfaces.__all__:
            contract = getattr(interfaces, name)
            self.assertTrue(getattr(contract, "_is_protocol", False) and issubclass(contract, Protocol), name)
            for member, value in vars(contract).items():
                if not member.startswith("_"):
                    self.assertTrue(inspect.getdoc(value), f"{name}.{member}")

    def test_response(self) -> None:
        """A response can be told from what a handler returns by mistake."""
        self.assertIsInstance(CommandResponse(secure=False), Response)
        for other in (None, True, "text", b"", object(), {}):
            self.assertNotIsInstance(other, Response)
