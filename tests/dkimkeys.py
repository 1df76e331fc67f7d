"""Keys that sign the mail of tests, and what a receiver with dkimpy makes of it."""

import base64
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from blogapp.delivery.dkimkeys import DkimKey

DOMAIN = "blog.test"


@cache
def key(kind: str, bits: int = 2048) -> DkimKey:
    """A key, made once in a run."""
    private = generate_private_key(65537, bits) if kind == "rsa" else Ed25519PrivateKey.generate()
    return DkimKey(f"sel-{kind}", private)


def keep(found: DkimKey, folder: Path, mode: int = 0o600) -> Path:
    """Write a key as an operator has it."""
    path = folder / f"{found.selector}.pem"
    path.write_bytes(found.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(mode)
    return path


def published(*keys: DkimKey) -> Mapping[str, str]:
    """The DNS of the domain."""
    return {record.name: record.value for record in (found.record(DOMAIN) for found in keys)}


def verified(message: bytes, *keys: DkimKey) -> list[bool]:
    """Whether each signature holds, the first one in the message first."""
    records = published(*keys)

    def look(name: bytes, **_: Any) -> bytes | None:
        record = records.get(name.decode().rstrip("."))
        return record.encode() if record else None

    signatures = sum(
        line.lower().startswith(b"dkim-signature:") for line in message.split(b"\r\n\r\n")[0].split(b"\r\n")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dkim, "nacl", NACL, raising=False)
        return [_holds(message, number, look) for number in range(signatures)]


def _holds(message: bytes, number: int, look: Any) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(idx=number, dnsfunc=look))
    except dkim.ValidationError as error:
        if "body hash mismatch" not in str(error):
            raise
        return False


class VerifyKey:
    """What dkimpy asks PyNaCl for, which is not installed: one curve operation. All else is its own reading."""

    def __init__(self, text: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))

    def verify(self, digest: bytes, signature: bytes) -> bytes:
        self._key.verify(signature, digest)
        return digest


NACL = SimpleNamespace(
    signing=SimpleNamespace(VerifyKey=VerifyKey),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
)
