"""The files that TLS needs: read, and checked before anybody listens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sgcws.errors import TLSConfigError

__all__ = ["Credentials", "PrivateKey", "read_credentials"]

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey
"""The kinds of keys that a cipher of TLS can sign with."""

LARGEST = 1024**2
"""Bytes of a file that are read; no certificate and no key comes near."""


@attrs.frozen
class Credentials:
    """
    What a server shows to prove who it is.

    Args:
        certificate: Its own certificate.
        chain: Those that are sent along, each the issuer of the one before it; the first has issued *certificate*.
        private_key: The key of *certificate*.
    """

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    private_key: PrivateKey = attrs.field(repr=False)


@attrs.frozen
class _Found:
    """A certificate, and where it stands."""

    path: str
    position: int
    certificate: x509.Certificate


def read_credentials(certificate: str, private_key: str | None, chain: str | None, now: datetime) -> Credentials:
    """
    Read and check what a server shows to prove who it is.

    Args:
        certificate: The file with the certificate, and perhaps those of its issuers after it.
        private_key: The file with the key; None if it is in the file of the certificate.
        chain: The file with more certificates to send along; None for none.
        now: The time, which the certificate has to be valid at.

    Raises:
        TLSConfigError: If a file cannot be used.
    """
    found = _certificates(certificate) + (_certificates(chain) if chain is not None else [])
    own, *others = (each.certificate for each in found)
    _check_time(certificate, own, now)
    _check_order(found)
    key_path = certificate if private_key is None else private_key
    key = _key(key_path)
    if key.public_key() != _public_key(certificate, own):
        raise TLSConfigError(key_path, f"its key is not that of the certificate in {certificate}")
    return Credentials(own, tuple(others), key)


def _certificates(path: str) -> list[_Found]:
    try:
        found = x509.load_pem_x509_certificates(_content(path))
    except ValueError as error:
        raise TLSConfigError(path, "there is no certificate in PEM in it, or a broken one") from error
    return [_Found(path, position, each) for position, each in enumerate(found, 1)]


def _check_time(path: str, certificate: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate that every client would refuse; those of its issuers are the clients' own business."""
    if now > certificate.not_valid_after_utc:
        raise TLSConfigError(path, f"the certificate expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if now < certificate.not_valid_before_utc:
        begin = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise TLSConfigError(path, f"the certificate is not valid before {begin}")


def _check_order(found: Iterable[_Found]) -> None:
    """Refuse a chain in which one has not issued the one before it (RFC 5246 section 7.4.2)."""
    for issued, issuer in pairwise(found):
        try:
            issued.certificate.verify_directly_issued_by(issuer.certificate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            reason = f"certificate {issuer.position} in it has not issued the one before it"
            raise TLSConfigError(issuer.path, reason) from error


def _public_key(path: str, certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TLSConfigError(path, "the certificate is for a kind of key that is not known") from error


def _key(path: str) -> PrivateKey:
    try:
        key = load_pem_private_key(_content(path), None)
    except TypeError as error:
        raise TLSConfigError(path, "its key is encrypted") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TLSConfigError(path, "there is no private key in PEM in it, or a broken one") from error
    if not isinstance(key, PrivateKey):
        raise TLSConfigError(path, "its key is of a kind that TLS has no use for; RSA, EC and EdDSA are known")
    return key


def _content(path: str) -> bytes:
    if os.path.exists(path) and not os.path.isfile(path):
        # A device may go on for ever.
        raise TLSConfigError(path, "it is not a regular file")
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise TLSConfigError(path, error.strerror or "it cannot be read") from error
    if len(content) > LARGEST:
        raise TLSConfigError(path, "it is too large for certificates and keys")
    return content
