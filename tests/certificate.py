"""A certificate for the relays of the tests. Nobody vouches for it, and its key protects nothing."""

import ssl
from pathlib import Path

# openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=relay.test
#     -addext subjectAltName=DNS:relay.test
PEM = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgM9hFgk+yoMdIrCXJ
LMQa1IsQiR1Kuy7acUEGGhrxLIyhRANCAASbEfVRJudzfuCyyZqS8OEeu5Qac64h
3r0F+vQqP0zN3tasH05zJzkfGwqgNMEdQuKcI7RyBzuDasXCekGK2ygq
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmDCCAT6gAwIBAgIUQNGDasgkBX8EzKTIrCxgZcpiXLQwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKcmVsYXkudGVzdDAgFw0yNjExMjMxNzUwNTNaGA8yMTI2MTAz
MDE3NTA1M1owFTETMBEGA1UEAwwKcmVsYXkudGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABJsR9VEm53N+4LLJmpLw4R67lBpzriHevQX69Co/TM3e1qwfTnMn
OR8bCqA0wR1C4pwjtHIHO4NqxcJ6QYrbKCqjajBoMB0GA1UdDgQWBBRM3IOKmiTf
45MgpNjaw6Qn0flJ3jAfBgNVHSMEGDAWgBRM3IOKmiTf45MgpNjaw6Qn0flJ3jAP
BgNVHRMBAf8EBTADAQH/MBUGA1UdEQQOMAyCCnJlbGF5LnRlc3QwCgYIKoZIzj0E
AwIDSAAwRQIhAOA51LMPTL4hVbDZ20XAhc6N8sq26n6rFH2ckjXwQHSqAiAfTsTn
b/ORJYA7rkmUDPbfhsIA3xW5n9EF1xWi+vN4Uw==
-----END CERTIFICATE-----
"""


def server_context(folder: Path) -> ssl.SSLContext:
    """TLS as a server speaks it, with that certificate; `folder` keeps it (ssl reads files only)."""
    file = folder / "relay.pem"
    file.write_text(PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
