"""
The contracts between the rooms, and what handlers are given.

They are typing protocols, not zope interfaces, so that a user's type checker needs no plugin to check a handler.
"""

from __future__ import annotations

from sgcws.interfaces.commands import Request, Response
from sgcws.interfaces.connection import Connection
from sgcws.interfaces.transport import Shuttable, Sink

__all__ = ["Connection", "Request", "Response", "Shuttable", "Sink"]
