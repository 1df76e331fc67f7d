"""DKIM signatures (RFC 6376; RFC 8463 for Ed25519): a whole message in, the same with its signatures out.

Of our own (decision 13): a library that takes a message apart with general tools costs 20 times the signature itself.
Each signed header is named once more than it is there, so that whoever adds a second Subject or a Reply-To breaks the
signature; there is no `l=`, so nothing can be added to the body. No time is in it: the same message gets the same bytes
at every try.
"""

import base64
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from blogapp.core.config import Settings
from blogapp.delivery.dkimkeys import DkimKey, load_keys, signing_domain
from blogapp.delivery.envelopes import BARE_LINE_END
from blogapp.delivery.template import Template, Values

# What a reader or their mail program goes by (RFC 6376 §5.4.1, RFC 8058 §4). What is not there is signed as absent.
SIGNED = (
    *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"in-reply-to", b"references"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding", b"auto-submitted"),
    *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"list-post", b"list-help", b"list-archive"),
    *(b"list-subscribe", b"list-owner"),
)
# After `_whole_lines` every LF follows a CR. A value runs on over lines that begin with a blank.
FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
# Columns of a line of our own header, without its leading blank.
ROOM = 75


def signer(settings: Settings) -> "Signer | None":
    """What signs a message as the settings want it, for any thread; None where BLOG_DKIM_KEYS is empty.

    The message may be anything: line ends come out as CRLF, the last one included, as SMTP sends them. Keys are read
    once in a process.

    Raises:
        BadSetting: a key cannot be used.
    """
    if not settings.dkim_keys:
        return None
    return _signer(signing_domain(settings), settings.dkim_keys, settings.data_dir)


class Signer:
    """Signs for a domain with each of some keys."""

    def __init__(self, domain: str, keys: Sequence[DkimKey]) -> None:
        self._keys = [(key, _beginning(domain, key)) for key in keys]

    def __call__(self, message: bytes) -> bytes:
        message = _whole_lines(message)
        head, body = _take_apart(message)
        return self.put_on(message, *_signed_headers(head), relaxed_body(body))

    def put_on(self, message: bytes, names: bytes, headers: bytes, body: bytes) -> bytes:
        """The message with its signatures. `names`: what `h=` says; `headers` and `body`: as they are hashed."""
        digest = base64.b64encode(sha256(body).digest())
        signatures = []
        for key, beginning in self._keys:
            tags = b"%s\r\n h=%s;\r\n bh=%s;\r\n b=" % (beginning, names, digest)
            signed = b"%sdkim-signature:%s" % (headers, tags.replace(b"\r\n", b""))
            signatures.append(b"DKIM-Signature: %s%s\r\n" % (tags, _in_lines(base64.b64encode(_sign(key, signed)))))
        return b"".join((*signatures, message))


class SignedTemplate:
    """A frozen message, spliced and signed per recipient.

    What is hashed is frozen as well: splicing it costs a few µs, and to work it out for each mail anew five times more
    than all other Python. A value that does not stand there as it is goes the long way. Either gives the same bytes.
    """

    def __init__(self, sign: Signer, template: Template) -> None:
        self.message = template.message  # unsigned, as it is kept
        message = _whole_lines(template.message)
        head, body = _take_apart(message)
        self._sign = sign
        self._names, headers = _signed_headers(head)
        self._whole = Template(message, template.places)
        self._headers = Template(headers, template.places)
        self._body = Template(relaxed_body(body), template.places)

    def pieces(self, values: Values) -> list[bytes]:
        """The signed message for one recipient; as `Template.pieces`."""
        message = self._whole.splice(values)
        if not self._whole.verbatim(values):
            return [self._sign(message)]
        headers, body = self._headers.splice(values), self._body.splice(values)
        return [self._sign.put_on(message, self._names, headers, body)]

    def splice(self, values: Values) -> bytes:
        """The same, put together."""
        return b"".join(self.pieces(values))


def relaxed_body(body: bytes) -> bytes:
    """The body as it is hashed (RFC 6376 §3.4.4): a run of blanks is one, none ends a line, no empty line ends it.

    For our own mails these are a few searches that find nothing. `body` has whole lines only.
    """
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    if body.endswith(b"\r\n\r\n") or body == b"\r\n":
        body = body.rstrip(b"\r\n")
        return body + b"\r\n" if body else b""
    return body


@lru_cache(maxsize=8)
def _signer(domain: str, entries: tuple[str, ...], data_dir: Path) -> Signer:
    return Signer(domain, load_keys(domain, entries, data_dir))


def _beginning(domain: str, key: DkimKey) -> bytes:
    tags = f"v=1; a={key.kind}-sha256; c=relaxed/relaxed;\r\n d={domain};\r\n s={key.selector};"
    return tags.encode("ascii")


def _sign(key: DkimKey, data: bytes) -> bytes:
    if isinstance(key.private, RSAPrivateKey):
        return key.private.sign(data, PKCS1v15(), SHA256())
    return key.private.sign(sha256(data).digest())  # RFC 8463 §3: the hash is what is signed


def _whole_lines(message: bytes) -> bytes:
    ends = message.count(b"\r\n")
    if message.count(b"\n") != ends or message.count(b"\r") != ends:
        message = BARE_LINE_END.sub(b"\r\n", message)
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def _take_apart(message: bytes) -> tuple[bytes, bytes]:
    """Headers and body, without the empty line between them."""
    if message.startswith(b"\r\n"):
        return b"", message[2:]
    end = message.find(b"\r\n\r\n")
    return (message, b"") if end < 0 else (message[: end + 2], message[end + 4 :])


def _signed_headers(head: bytes) -> tuple[bytes, bytes]:
    """What `h=` says, and the headers as they are signed (RFC 6376 §3.4.2, §5.4.2: of several, the last one first)."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in FIELD.findall(head):
        found.setdefault(name.lower(), []).append(value)
    lines = [b"%s:%s\r\n" % (name, _relaxed(value)) for name in SIGNED for value in reversed(found.get(name, ()))]
    return _names(tuple(len(found.get(name, ())) for name in SIGNED)), b"".join(lines)


def _relaxed(value: bytes) -> bytes:
    words = value.replace(b"\r\n", b"").rstrip(b"\r").replace(b"\t", b" ").split(b" ")
    return b" ".join(filter(None, words))


@lru_cache(maxsize=64)
def _names(counts: tuple[int, ...]) -> bytes:
    """`h=` for so many of each: every name once more than it is there; nearly all mails have the same."""
    lines = [b""]
    for name in [name for name, count in zip(SIGNED, counts, strict=True) for _ in range(count + 1)]:
        if len(lines[-1]) + len(name) + 4 > ROOM:
            lines.append(b"")
        lines[-1] += name + b":"
    return b"\r\n ".join(lines).rstrip(b":")


def _in_lines(text: bytes) -> bytes:
    size = ROOM - len("b=") - 1
    return b"\r\n ".join(text[at : at + size] for at in range(0, len(text), size))
