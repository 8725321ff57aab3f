"""What TLS is spoken with."""

from __future__ import annotations

import os

import attrs

from sgcws.errors import OptionError
from sgcws.options.field import option
from sgcws.options.kinds import Kind, Refused, member_of, optional
from sgcws.values import TLSVersion

__all__ = ["TLSOptions"]

_ORDER = tuple(TLSVersion)


class _File(Kind[str]):
    """Paths of files, kept absolute: daemons change their working directory later. They are read at each start."""

    def __init__(self) -> None:
        super().__init__("path", "the path of a file in PEM")

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not value or "\0" in value:
            raise Refused
        return os.path.abspath(value)

    def read(self, words: str) -> str:
        return words


_file = _File()


@attrs.frozen(kw_only=True)
class TLSOptions:
    """
    What TLS is spoken with (RFC 8446, and RFC 5246 for clients that cannot do better).

    Its ciphers have forward secrecy and are AEAD (RFC 5116). There is no renegotiation and no compression.
    The files are read at each start; what is wrong with them is a `TLSConfigError` there.

    Raises:
        OptionError: If a value is not allowed.

    Original: ``SSLOptions``.
    """

    certificate: str | None = option(
        None,
        optional(_file),
        doc="The file in PEM with the server's certificate; those that it was issued by may follow in it.",
    )
    private_key: str | None = option(
        None,
        optional(_file),
        doc="The file in PEM with the certificate's private key, not encrypted; "
        "None looks for it in the file of the certificate.",
    )
    chain: str | None = option(
        None,
        optional(_file),
        doc="The file in PEM with the certificates to send along, each the issuer of the one before it.",
    )
    minimum_version: TLSVersion = option(
        TLSVersion.TLS_1_2,
        member_of(TLSVersion),
        doc="The oldest version that is spoken.",
    )
    maximum_version: TLSVersion | None = option(
        None,
        optional(member_of(TLSVersion)),
        doc="The newest version that is spoken; None for the newest there is.",
    )

    def __attrs_post_init__(self) -> None:
        highest = self.maximum_version
        if highest is not None and _ORDER.index(highest) < _ORDER.index(self.minimum_version):
            raise OptionError("tls.maximum_version", highest.value, "minimum_version or a newer one")
