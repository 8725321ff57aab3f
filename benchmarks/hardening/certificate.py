"""A certificate that nobody else has signed."""

from __future__ import annotations

from pathlib import Path

from tests.tls import issue, pem

__all__ = ["write_pem"]


def write_pem(path: Path) -> Path:
    """Write a new certificate and its key to a file, and return it."""
    made = issue()
    path.write_bytes(pem(made.certificate, made.key))
    return path
