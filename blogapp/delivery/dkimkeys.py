"""The keys that we sign mail with: read, made, and as the DNS records by which others check them."""

import base64
import logging
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from blogapp.core.config import Settings
from blogapp.core.errors import BadSetting, Conflict, Invalid
from blogapp.delivery.headers import ascii_address, parse_mailbox

log = logging.getLogger(__name__)

# Under the data folder, readable by its owner alone; no backup and no archive has it.
FOLDER = "dkim"
KINDS = ("rsa", "ed25519")
# RFC 6376 §3.1 and RFC 1035 §2.3.1, with the underscore that some hosters use.
SELECTOR = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*", re.I)
LONGEST_SELECTOR = 128
# RFC 8301 §3.2: no verifier takes fewer, and nobody should sign with less than the second.
FEWEST_BITS, GOOD_BITS = 1024, 2048
# RFC 1035 §3.3: what one string of a TXT record holds.
TXT_STRING = 255


@dataclass(frozen=True)
class DkimKey:
    """A private key and the name under which its public part is to be found (`<selector>._domainkey.<domain>`)."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)
    path: Path = Path()

    @property
    def kind(self) -> str:
        """`rsa` or `ed25519`, as a record's `k=` says it."""
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    @property
    def bits(self) -> int:
        """How long the key is; 256 for every Ed25519 key."""
        return self.private.key_size if isinstance(self.private, RSAPrivateKey) else 256

    @cached_property
    def public(self) -> str:
        """The public part as a record's `p=` says it (RFC 6376 §3.6.1; RFC 8463 §4: the bare 32 bytes)."""
        if isinstance(self.private, RSAPrivateKey):
            public = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            public = self.private.public_key().public_bytes_raw()
        return base64.b64encode(public).decode()

    def record(self, domain: str) -> "Record":
        """What the domain's DNS has to say."""
        return Record(f"{self.selector}._domainkey.{domain}", f"v=DKIM1; k={self.kind}; p={self.public}")


@dataclass(frozen=True)
class Record:
    """A TXT record: its whole name and value."""

    name: str
    value: str

    @property
    def strings(self) -> list[str]:
        """The value in pieces of at most 255 bytes, as DNS carries it."""
        return [self.value[at : at + TXT_STRING] for at in range(0, len(self.value), TXT_STRING)]

    @property
    def zone_line(self) -> str:
        """The record as a line of a zone file."""
        quoted = " ".join(f'"{part}"' for part in self.strings)
        return f"{self.name}. IN TXT ( {quoted} )"


def signing_domain(settings: Settings) -> str:
    """The domain that answers for our mail, as DNS spells it: that of BLOG_MAIL_FROM, unless set otherwise."""
    domain = settings.dkim_domain or parse_mailbox(settings.mail_from).address.rpartition("@")[2]
    return ascii_address(f"x@{domain.strip().rstrip('.')}").rpartition("@")[2].lower()


def load_keys(domain: str, entries: Iterable[str], data_dir: Path) -> tuple[DkimKey, ...]:
    """The keys that BLOG_DKIM_KEYS names: `selector:path`, a path being relative to the data folder.

    Raises:
        BadSetting: one cannot be used; the message says which and why.
    """
    keys = tuple(_load(entry, data_dir) for entry in entries)
    if len({key.selector.lower() for key in keys}) < len(keys):
        raise BadSetting("BLOG_DKIM_KEYS names a selector twice; each key has one of its own")
    if keys and not re.fullmatch(r"(?:[a-z0-9_-]+\.)+[a-z0-9-]+", domain):
        raise BadSetting(f"BLOG_DKIM_DOMAIN should be like example.org, not {domain!r}")
    return keys


def new_key(settings: Settings, kind: str, selector: str) -> DkimKey:
    """Make a key and keep it in the data folder, readable by its owner alone. An existing one is never written over.

    Raises:
        Invalid: nothing in DNS can have this selector as its name.
        Conflict: there is a key of this selector.
    """
    if not _is_selector(selector):
        raise Invalid("A selector holds letters, figures and hyphens, such as blog-2026.")
    private = generate_private_key(65537, GOOD_BITS) if kind == "rsa" else Ed25519PrivateKey.generate()
    folder = settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{selector.lower()}.pem"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already, and is left as it is. Choose another --selector.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(descriptor)
    return DkimKey(selector.lower(), private, path)


def _is_selector(text: str) -> bool:
    return len(text) <= LONGEST_SELECTOR and SELECTOR.fullmatch(text) is not None


def _load(entry: str, data_dir: Path) -> DkimKey:
    selector, colon, file = (part.strip() for part in entry.partition(":"))
    if not colon or not file or not _is_selector(selector):
        raise BadSetting(f"BLOG_DKIM_KEYS should be like blog-2026:dkim/blog-2026.pem, not {entry!r}")
    path = data_dir / Path(file).expanduser()
    key = DkimKey(selector, _read(path), path)
    if key.kind == "rsa" and FEWEST_BITS <= key.bits < GOOD_BITS:
        log.warning("a short DKIM key", extra={"key": str(path), "bits": key.bits, "wanted": GOOD_BITS})
    if key.kind == "rsa" and key.bits < FEWEST_BITS:
        raise BadSetting(f"BLOG_DKIM_KEYS: {path} has {key.bits} bits, and nobody trusts fewer than {FEWEST_BITS}")
    return key


def _read(path: Path) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            mode, data = os.fstat(file.fileno()).st_mode, file.read(65536)
    except OSError as error:
        raise BadSetting(f"BLOG_DKIM_KEYS: cannot read {path} ({error.strerror})") from None
    if stat.S_IMODE(mode) & 0o007:
        raise BadSetting(f"BLOG_DKIM_KEYS: everybody on this machine can read {path}. Run `chmod 600 {path}`")
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, (RSAPrivateKey, Ed25519PrivateKey)):
        raise BadSetting(f"BLOG_DKIM_KEYS: {path} holds no RSA or Ed25519 private key (PEM, without a password)")
    return key
