"""Certificates of a run: who lacks them can neither pose as its scheduler nor have it run anything."""

import ipaddress
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed.security import Security

VALID = timedelta(days=60)
"""Longer than a run may take."""

AHEAD = timedelta(hours=1)
"""By so much the clock of a node may be late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files, in PEM, that scheduler, workers and client of a run share.

    Parameters
    ----------
    authority
        Certificate of the authority that signed the other one; its key is not kept.
    certificate, key
        Of all of them.
    """

    authority: Path
    certificate: Path
    key: Path

    @property
    def security(self) -> Security:
        """Dask's form of it: both ends of a connection show the certificate."""
        own = {
            f"tls_{role}_{part}": str(path)
            for role in ("scheduler", "worker", "client")
            for part, path in (("cert", self.certificate), ("key", self.key))
        }
        return Security(tls_ca_file=str(self.authority), require_encryption=True, **own)


@contextmanager
def certificates(folder: Path, *, hosts: Sequence[str]) -> Iterator[Certificates]:
    """Write certificates into a folder of their own, which only this user may read; remove it at the end.

    Parameters
    ----------
    folder
        In which that folder is made.
    hosts
        Addresses and names by which clients reach what shows the certificate.
    """
    own = Path(tempfile.mkdtemp(prefix="certificates-", dir=folder))  # of mode 0700
    try:
        yield _written(own, hosts=hosts)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _written(folder: Path, *, hosts: Sequence[str]) -> Certificates:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _name("scip-flows authority"), _name("scip-flows")
    authority = (
        _builder(subject=issuer, issuer=issuer, key=authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(subject=subject, issuer=issuer, key=key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    files = Certificates(
        authority=folder / "authority.pem", certificate=folder / "certificate.pem", key=folder / "key.pem"
    )
    _write(files.authority, authority.public_bytes(serialization.Encoding.PEM))
    _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    _write(
        files.key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    return files


def _builder(*, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - AHEAD)
        .not_valid_after(now + VALID)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
