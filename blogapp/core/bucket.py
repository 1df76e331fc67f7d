"""The files' contents in S3-compatible storage, for several hosts that share them.

Named by one setting, `s3://key:secret@bucket/prefix?endpoint=https://…&region=…&cache_mb=2000`. boto3 (the extra `s3`)
is imported only where that is set. Nothing in the bucket is for the public: each reader's request goes through the
site, which decides. A content is `prefix/aa/<sha256>`, private, written once, and checked against its name when it
comes back.
"""

import hashlib
import logging
import re
import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from blogapp.core.errors import BadSetting, Unavailable

log = logging.getLogger("blogapp.files")

EXAMPLE = "s3://key:secret@bucket/prefix?endpoint=https://s3.example.org&region=eu-1"
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9]")
PREFIX = re.compile(r"(?:[a-zA-Z0-9._-]+(?:/[a-zA-Z0-9._-]+)*)?")
CONTENT = re.compile(r"[0-9a-f]{64}")
KNOWN = {"endpoint", "region", "cache_mb"}
CHUNK_BYTES = 256 * 1024
CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 30, 3
MISSING = frozenset(["404", "NoSuchKey", "NotFound"])


@dataclass(frozen=True)
class Place:
    """Where the bucket is. `cache_bytes`: how much of it each host keeps on its own disk."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    cache_bytes: int = 2_000_000_000

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def folder(self) -> str:
        """What all names begin with."""
        return f"{self.prefix}/" if self.prefix else ""


def parse_place(text: str) -> Place | None:
    """The setting's meaning; None where it is empty, and the files lie in the data folder.

    Raises:
        BadSetting: it cannot be understood. The message never holds the secret.
    """
    if not text:
        return None
    try:
        parts = urlsplit(text)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        place = _place(parts, given) if parts.scheme == "s3" and not parts.fragment and parts.port is None else None
    except ValueError:
        place = None
    if place is None:
        raise BadSetting(f"BLOG_FILES should be like {EXAMPLE} (a / in the secret is written %2F)")
    return place


def _place(parts: SplitResult, given: dict[str, str]) -> Place | None:
    bucket, prefix = parts.netloc.rpartition("@")[2], parts.path.strip("/")
    endpoint, cache_mb = given.get("endpoint"), given.get("cache_mb", "2000")
    if not given.keys() <= KNOWN or not NAME.fullmatch(bucket) or not PREFIX.fullmatch(prefix):
        return None
    if bool(parts.username) != bool(parts.password) or ".." in prefix:
        return None
    if not (cache_mb.isascii() and cache_mb.isdigit() and len(cache_mb) < 9):
        return None
    if endpoint is not None:
        at = urlsplit(endpoint)
        if at.scheme not in ("http", "https") or not at.hostname or at.query or at.fragment:
            return None
    key, secret = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Place(bucket, prefix, endpoint, given.get("region"), key, secret, int(cache_mb) * 1_000_000)


class Bucket:
    """The contents in one place, by their SHA-256."""

    def __init__(self, place: Place) -> None:
        """
        Raises:
            BadSetting: boto3 is not installed.
        """
        try:
            import boto3  # noqa: F401  # only where there is a bucket
        except ImportError:
            raise BadSetting("BLOG_FILES needs boto3: install blogapp with its extra, blogapp[s3]") from None
        self.place = place
        self._lock = threading.Lock()

    @cached_property
    def _client(self) -> Any:
        """Made on first use, so that no process shares one that another has begun to use; threads may."""
        import boto3
        from botocore.config import Config

        with self._lock:
            return boto3.session.Session().client(
                "s3",
                endpoint_url=self.place.endpoint,
                region_name=self.place.region or ("us-east-1" if self.place.endpoint else None),
                aws_access_key_id=self.place.key,
                aws_secret_access_key=self.place.secret,
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "max_attempts": TRIES},
                    s3={"addressing_style": "path" if self.place.endpoint else "auto"},
                    # Not every store that speaks S3 knows Amazon's newer checksums; contents are checked by their name.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )

    def key_of(self, sha256: str) -> str:
        """Its name there."""
        return f"{self.place.folder}{sha256[:2]}/{sha256}"

    def put(self, path: Path, sha256: str) -> None:
        """Keep what a file holds. Raises Unavailable."""
        with path.open("rb") as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
            file.seek(0)
            with self._spoken():
                self._client.put_object(
                    Bucket=self.place.bucket,
                    Key=self.key_of(sha256),
                    Body=file,
                    ContentMD5=b64encode(md5).decode(),
                    ContentType="application/octet-stream",
                    CacheControl="private, no-store",
                )

    def fetch(self, sha256: str, target: Path) -> bool:
        """Copy a content to a file. False: it is not there, or is not what its name says. Raises Unavailable."""
        found = hashlib.sha256()
        with self._spoken() as spoken, target.open("wb") as file:
            answer = self._client.get_object(Bucket=self.place.bucket, Key=self.key_of(sha256))
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                found.update(chunk)
                file.write(chunk)
        if spoken.missing:
            return False
        if found.hexdigest() != sha256:
            log.error("a content in the bucket is damaged", extra={"sha256": sha256})
            return False
        return True

    def kept_at(self, sha256: str) -> datetime | None:
        """When it was last put there; None where it is not. Raises Unavailable."""
        with self._spoken():
            answer = self._client.head_object(Bucket=self.place.bucket, Key=self.key_of(sha256))
            at: datetime = answer["LastModified"]
            return at
        return None

    def each(self) -> Iterator[tuple[str, datetime]]:
        """Every content with when it was put there, a thousand in memory at a time. Raises Unavailable."""
        more: dict[str, str] = {}
        while True:
            answer: dict[str, Any] = {}
            with self._spoken():
                answer = self._client.list_objects_v2(Bucket=self.place.bucket, Prefix=self.place.folder, **more)
            for entry in answer.get("Contents", ()):
                name = entry["Key"].removeprefix(self.place.folder)
                if CONTENT.fullmatch(name[3:]) and name[:3] == f"{name[3:5]}/":
                    yield name[3:], entry["LastModified"]
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def remove(self, sha256: str) -> None:
        """Delete a content; again is the same. Raises Unavailable."""
        with self._spoken():
            self._client.delete_object(Bucket=self.place.bucket, Key=self.key_of(sha256))

    def probe(self) -> bool:
        """Put a small object there, read it, and take it away again. Whether a stranger could read it too.

        Raises:
            Unavailable: one of these does not work; its cause says why.
        """
        name = {"Bucket": self.place.bucket, "Key": f"{self.place.folder}probe-{secrets.token_hex(8)}"}
        with self._spoken() as spoken:
            self._client.put_object(**name, Body=b"blogapp doctor")
            try:
                self._client.get_object(**name)["Body"].read()
                self._client.list_objects_v2(Bucket=self.place.bucket, Prefix=self.place.folder, MaxKeys=1)
                return self._shows_strangers(name)
            finally:
                self._client.delete_object(**name)
        assert spoken.missing
        raise _away("there is no such bucket")

    def _shows_strangers(self, name: dict[str, str]) -> bool:
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import ClientError

        addressing = {"addressing_style": "path" if self.place.endpoint else "auto"}
        nobody = boto3.session.Session().client(
            "s3",
            endpoint_url=self.place.endpoint,
            region_name=self.place.region or "us-east-1",
            config=Config(signature_version=UNSIGNED, s3=addressing, connect_timeout=CONNECT_SECONDS),
        )
        try:
            nobody.get_object(**name)
        except ClientError:
            return False
        return True

    @contextmanager
    def _spoken(self) -> Iterator["_Spoken"]:
        """Around what is said to the bucket: what is missing there is noted, whatever else fails is `Unavailable`."""
        from botocore.exceptions import BotoCoreError, ClientError

        spoken = _Spoken()
        try:
            yield spoken
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code not in MISSING:
                raise _away(code or "it refused") from error
            spoken.missing = True
        except (BotoCoreError, OSError) as error:
            raise _away(f"{type(error).__name__}: {error}") from error


@dataclass
class _Spoken:
    missing: bool = False


def _away(why: str) -> Unavailable:
    log.warning("the bucket with the files did not answer as it should: %s", why)
    return Unavailable("The files cannot be reached at the moment. Nothing was changed; try again in a minute.")
