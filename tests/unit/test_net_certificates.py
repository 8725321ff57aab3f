"""Promises of `sgcws.net.certificates`: a file that cannot be used is named, with the reason and nothing it holds."""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import TLSConfigError
from sgcws.net.certificates import LARGEST, Credentials, read_credentials
from tests.tls import issue, pem

NOW = datetime.datetime(2030, 6, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)

ROOT = issue("root")
MIDDLE = issue("middle", ROOT)
OWN = issue("localhost", MIDDLE)


NOBODY = 65534
"""A user without any rights."""


class CertificatesTestCase(SynchronousTestCase):
    """Files in a folder of their own: a root, one that it has issued, and the server's."""

    root = ROOT
    middle = MIDDLE
    own = OWN

    def setUp(self) -> None:
        """Have no files yet."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def file(self, *things: Any, name: str = "", password: bytes | None = None) -> str:
        """Write bytes, or certificates and keys, into a file, and return its path."""
        path = self.folder / (name or f"{len(os.listdir(self.folder))}.pem")
        parts = [thing if isinstance(thing, bytes) else pem(thing, password=password) for thing in things]
        path.write_bytes(b"".join(parts))
        return str(path)

    def refused(self, certificate: str, private_key: str | None = None, chain: str | None = None) -> tuple[str, str]:
        """Return the path and the reason that the files are refused with."""
        error: TLSConfigError = self.assertRaises(
            TLSConfigError, read_credentials, certificate, private_key, chain, NOW
        )
        return error.path, error.reason


class GoodTests(CertificatesTestCase):
    """Files that can be used."""

    def check(self, found: Credentials) -> None:
        """Fail unless it is the server's certificate, with those that issued it."""
        self.assertEqual(found.certificate, self.own.certificate)
        self.assertEqual(found.private_key.public_key(), self.own.key.public_key())
        self.assertNotIn("rivate", repr(found))

    def test_two_files(self) -> None:
        """A certificate and its key are enough."""
        found = read_credentials(self.file(self.own.certificate), self.file(self.own.key), None, NOW)
        self.check(found)
        self.assertEqual(found.chain, ())

    def test_chain(self) -> None:
        """The chain may follow the certificate, be a file of its own, or both; the root may be there."""
        own, middle, root = self.own.certificate, self.middle.certificate, self.root.certificate
        key = self.file(self.own.key)
        for first, second, expected in (
            ((own, middle), None, (middle,)),
            ((own,), (middle,), (middle,)),
            ((own,), (middle, root), (middle, root)),
            ((own, middle), (root,), (middle, root)),
        ):
            chain = None if second is None else self.file(*second)
            found = read_credentials(self.file(*first), key, chain, NOW)
            self.check(found)
            self.assertEqual(found.chain, expected)

    def test_one_file(self) -> None:
        """The key may be in the file of the certificate, in any order and among other text."""
        own, key = self.own
        for things in ((own, key), (key, own), (b"Bag Attributes\n  localKeyID: 01\n", own, b"\nkey:\n", key)):
            self.check(read_credentials(self.file(*things), None, None, NOW))

    def test_kinds_of_keys(self) -> None:
        """RSA, elliptic curves and EdDSA can be used, also where the parameters of the curve come first."""
        for key in (
            rsa.generate_private_key(65537, 2048),
            ec.generate_private_key(ec.SECP384R1()),
            ed25519.Ed25519PrivateKey.generate(),
            ed448.Ed448PrivateKey.generate(),
        ):
            made = issue(key=key)
            read_credentials(self.file(made.certificate), self.file(key), None, NOW)
        parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        read_credentials(self.file(self.own.certificate), self.file(parameters, self.own.key), None, NOW)

    def test_traditional_key(self) -> None:
        """A key in the older form of PEM is a key."""
        form = serialization.PrivateFormat.TraditionalOpenSSL
        key = self.own.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        self.check(read_credentials(self.file(self.own.certificate), self.file(key), None, NOW))


class WrongTests(CertificatesTestCase):
    """Files that cannot be used."""

    def test_missing(self) -> None:
        """A file that is not there, or may not be read, or is none, is named with the system's reason or ours."""
        good, key = self.file(self.own.certificate), self.file(self.own.key)
        missing = str(self.folder / "missing.pem")
        no_file = "No such file or directory"
        self.assertEqual(self.refused(missing, key), (missing, no_file))
        self.assertEqual(self.refused(good, missing), (missing, no_file))
        self.assertEqual(self.refused(good, key, missing), (missing, no_file))
        folder = str(self.folder)
        self.assertEqual(self.refused(good, folder), (folder, "it is not a regular file"))
        self.assertEqual(self.refused("/dev/zero", key), ("/dev/zero", "it is not a regular file"))

    def test_not_allowed(self) -> None:
        """A file that may not be read is named."""
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        certificate, key = self.file(self.own.certificate), self.file(self.own.key)
        os.chmod(certificate, 0o444)
        os.chmod(key, 0)
        if os.geteuid() == 0:
            # Who may do everything may read everything.
            self.addCleanup(os.seteuid, 0)
            os.seteuid(NOBODY)
        self.assertEqual(self.refused(certificate, key), (key, "Permission denied"))

    def test_not_pem(self) -> None:
        """What is no PEM, empty, broken, or something else in PEM is named, certificate and key alike."""
        good, key = self.file(self.own.certificate), self.file(self.own.key)
        der = self.own.certificate.public_bytes(serialization.Encoding.DER)
        broken = pem(self.own.certificate).replace(b"I", b"J")
        for content in (b"", b"hello", os.urandom(200), der, broken, pem(self.own.key)):
            path = self.file(content)
            wrong = (path, "there is no certificate in PEM in it, or a broken one")
            self.assertEqual(self.refused(path, key), wrong)
            self.assertEqual(self.refused(good, key, path), wrong)
        ssh = self.own.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        for content in (b"", b"hello", os.urandom(200), pem(self.own.certificate), pem(self.own.key)[:80], ssh):
            path = self.file(content)
            self.assertEqual(self.refused(good, path), (path, "there is no private key in PEM in it, or a broken one"))

    def test_no_key_at_all(self) -> None:
        """Without a file for the key the certificate's is named, if there is none in it."""
        path = self.file(self.own.certificate)
        self.assertEqual(self.refused(path), (path, "there is no private key in PEM in it, or a broken one"))

    def test_too_large(self) -> None:
        """Nobody reads a file that is far too large."""
        path = self.file(self.own.certificate, b"\n" * LARGEST)
        self.assertEqual(self.refused(path, path), (path, "it is too large for certificates and keys"))

    def test_another_key(self) -> None:
        """A key that is not the certificate's is named, whatever kind it is of."""
        good = self.file(self.own.certificate)
        for key in (self.root.key, rsa.generate_private_key(65537, 2048)):
            path = self.file(key)
            self.assertEqual(self.refused(good, path), (path, f"its key is not that of the certificate in {good}"))

    def test_encrypted(self) -> None:
        """An encrypted key is told from a broken one."""
        path = self.file(self.own.key, password=b"secret")
        self.assertEqual(self.refused(self.file(self.own.certificate), path), (path, "its key is encrypted"))

    def test_useless_keys(self) -> None:
        """A kind of key that no cipher of TLS signs with is named."""
        reason = "its key is of a kind that TLS has no use for; RSA, EC and EdDSA are known"
        for key in (dsa.generate_private_key(2048), x25519.X25519PrivateKey.generate()):
            path = self.file(key)
            self.assertEqual(self.refused(self.file(self.own.certificate), path), (path, reason))

    def test_time(self) -> None:
        """A certificate that is over, or not valid yet, is named with its time, for every client would refuse it."""
        for begin, end, reason in (
            (NOW - 2 * HOUR, NOW - HOUR, "the certificate expired at 2030-06-01 11:00 UTC"),
            (NOW + HOUR, NOW + 2 * HOUR, "the certificate is not valid before 2030-06-01 13:00 UTC"),
        ):
            made = issue(begin=begin, end=end)
            path = self.file(*made)
            self.assertEqual(self.refused(path), (path, reason))

    def test_time_of_issuers(self) -> None:
        """One that is sent along may be over: old clients are helped by such, and others do not look at it."""
        old = issue("old", end=NOW - HOUR)
        own = issue(by=old)
        read_credentials(self.file(own.certificate, old.certificate), self.file(own.key), None, NOW)

    def test_order(self) -> None:
        """A chain in which one has not issued the one before it is named, with the place in that file."""
        own, middle, root = self.own.certificate, self.middle.certificate, self.root.certificate
        key = self.file(self.own.key)
        stranger, namesake = issue("stranger").certificate, issue("middle").certificate
        for first, second, position in (
            ((own, root, middle), None, 2),
            ((own,), (root, middle), 1),
            ((own,), (middle, stranger), 2),
            ((own,), (stranger,), 1),
            ((own,), (namesake,), 1),
            ((own,), (own, middle), 1),
        ):
            certificate = self.file(*first)
            chain = None if second is None else self.file(*second)
            path, reason = self.refused(certificate, key, chain)
            self.assertEqual(path, chain or certificate)
            self.assertEqual(reason, f"certificate {position} in it has not issued the one before it")

    def test_two_certificates_in_the_wrong_order(self) -> None:
        """A file that begins with the issuer is refused, too."""
        path = self.file(self.middle.certificate, self.own.certificate)
        self.assertEqual(self.refused(path, self.file(self.own.key))[0], path)


class SecretTests(CertificatesTestCase):
    """What a file holds stays in it."""

    @given(st.binary(max_size=60), st.integers(0, 300))
    @settings(deadline=None, database=None, max_examples=50)
    def test_any_key_file(self, junk: bytes, place: int) -> None:
        """Whatever a key's file holds, there is a key or our error, and no line of the file in the error's words."""
        self.setUp()
        whole = pem(self.own.key)
        key = self.file(whole[:place] + junk + whole[place:], name="key.pem")
        certificate = self.file(self.own.certificate, name="own.pem")
        try:
            read_credentials(certificate, key, None, NOW)
        except TLSConfigError as error:
            for line in whole.splitlines()[1:-1]:
                self.assertNotIn(line.decode(), f"{error} {error.reason} {error.__cause__}")

    @given(st.binary(max_size=60), st.integers(0, 300))
    @settings(deadline=None, database=None, max_examples=50)
    def test_any_certificate_file(self, junk: bytes, place: int) -> None:
        """Whatever a certificate's file holds, there is a certificate or our error."""
        self.setUp()
        whole = pem(self.own.certificate)
        certificate = self.file(whole[:place] + junk + whole[place:], name="own.pem")
        try:
            read_credentials(certificate, self.file(self.own.key, name="key.pem"), None, NOW)
        except TLSConfigError as error:
            self.assertEqual(error.path.rpartition("/")[2].endswith(".pem"), True)
