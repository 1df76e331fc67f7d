"""What a DKIM signature costs a mail of a digest: bare, by our signer, spliced and signed, and by dkimpy.

use: ./run python benchmarks/signing.py
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from blogapp.delivery.dkim import SignedTemplate, Signer
from blogapp.delivery.dkimkeys import DkimKey
from blogapp.delivery.message import build_message
from blogapp.delivery.template import Places, Template

DOMAIN = "blog.test"
VALUES = {"to": "Ada Lovelace <ada@reader.test>", "address": "ada@reader.test", "token": "12-abcdefghijklmnop"}


def main() -> None:
    """Print the table."""
    rsa, ed = generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
    kinds = {"RSA-2048": [DkimKey("r", rsa)], "Ed25519": [DkimKey("e", ed)]}
    kinds["both"] = [key for keys in kinds.values() for key in keys]
    template = _template()
    mail = template.splice(VALUES)
    pem = rsa.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    bare = [
        _cost(lambda: rsa.sign(mail[:1500], PKCS1v15(), SHA256())),
        _cost(lambda: ed.sign(mail[:32])),
    ]
    rows = [("the bare signature by cryptography", [*bare, sum(bare)])]
    signers = [Signer(DOMAIN, keys) for keys in kinds.values()]
    for sign in signers:
        assert SignedTemplate(sign, template).splice(VALUES) == sign(mail)
    frozen = [SignedTemplate(sign, template) for sign in signers]
    rows.append(("SignedTemplate.splice", [_cost(lambda f=f: f.splice(VALUES)) for f in frozen]))  # type: ignore[misc]
    rows.append(("splice, then Signer", [_cost(lambda s=s: s(template.splice(VALUES))) for s in signers]))  # type: ignore[misc]
    rows.append(("splice, then dkimpy", [_cost(lambda: dkim.sign(mail, b"r", DOMAIN.encode(), pem), 10)]))
    alone = _cost(lambda: template.splice(VALUES))
    print(f"µs of processor time a mail of {len(mail):,} bytes (the splice alone: {alone:.1f})")
    print(f"{'':36}" + "".join(f"{kind:>12}" for kind in kinds))
    for name, costs in rows:
        print(f"{name:36}" + "".join(f"{cost:12,.0f}" for cost in costs))


def _template() -> Template:
    places = Places()
    address, token = places.mark("address", "text"), places.mark("token", "url")
    return Template(
        build_message(
            sender="The Notebook <notes@blog.test>",
            to=places.mark("to", "mailbox"),
            subject="Week 473: bread",
            text="We baked  bread this week, and mended the door.\n" * 130 + f"{address}\nhttps://blog.test/{token}\n",
            html="<p>We baked bread this week, and mended the door.</p>\n" * 230 + f'<a href="/{token}">Leave</a>',
            headers={
                "List-Id": "The Notebook <digest.blog.test>",
                "List-Unsubscribe": f"<https://blog.test/unsubscribe/{places.mark('token', 'token')}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "List-Post": "NO",
                "Auto-Submitted": "auto-generated",
            },
            date=datetime.now(UTC),
            message_id=f"<{places.mark('token', 'token')}@blog.test>",
            marks=places.marks.values(),
        ),
        places.marks,
    )


def _cost(step: Callable[[], object], times: int = 200, rounds: int = 15) -> float:
    """µs of a step: the best of some rounds, for other programs only ever make it slower."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(times):
            step()
        best = min(best, time.process_time() - began)
    return best / times * 1e6


if __name__ == "__main__":
    main()
