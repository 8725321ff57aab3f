"""The list of all options, from which the documentation, ``--help`` and the readers of text are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from sgcws.options.field import Metadata, declared
from sgcws.options.kinds import OrNone, flag
from sgcws.options.server import ServerOptions

__all__ = ["Description", "describe"]


@attrs.frozen(kw_only=True)
class Description:
    """
    One option, for people and for readers of text.

    Args:
        path: The names that lead to it, as in ``("websocket", "compression", "window_bits")``.
        default: Its default, as text that can be given for it.
        metadata: All else that is known.
    """

    path: tuple[str, ...]
    default: str
    metadata: Metadata

    @property
    def name(self) -> str:
        """Its full name, as in ``websocket.max_message_size``."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """Its environment variable, as in ``SGCWS_WEBSOCKET__MAX_MESSAGE_SIZE``."""
        return "SGCWS_" + "__".join(self.path).upper()

    @property
    def flag(self) -> str:
        """Its name on the command line, without dashes before it, as in ``websocket-max-message-size``."""
        return "-".join(self.path).replace("_", "-")

    @property
    def type_name(self) -> str:
        """What sort of value it takes, in a word or two."""
        return self.metadata.kind.type_name

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return self.metadata.kind.allowed

    @property
    def words(self) -> str:
        """The words that a switch takes in text; empty if it is none."""
        kind = self.metadata.kind
        return kind.in_text if kind is flag or kind.group is not None else ""

    @property
    def doc(self) -> str:
        """One sentence for a user."""
        return self.metadata.doc

    @property
    def since(self) -> str:
        """The first version that has it."""
        return self.metadata.since

    @property
    def live(self) -> bool:
        """Whether a change can take effect without a restart."""
        return self.metadata.live


def describe(group: type[Any] = ServerOptions) -> tuple[Description, ...]:
    """
    Return all options of *group* and of the groups inside it, in order.

    A group is itself in the list, before its options, if it can be off.

    Args:
        group: A class whose fields are declared with `option`.
    """
    return tuple(_walk(group, ()))


def _walk(group: type[Any], above: tuple[str, ...]) -> Iterator[Description]:
    for name, (default, metadata) in declared(group).items():
        path, inner = (*above, name), metadata.kind.group
        if inner is None or isinstance(metadata.kind, OrNone):
            yield Description(path=path, default=metadata.kind.write(default), metadata=metadata)
        if inner is not None:
            yield from _walk(inner, path)
