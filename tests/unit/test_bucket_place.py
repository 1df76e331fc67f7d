"""What BLOG_FILES may say."""

import sys

import pytest

from blogapp.core.bucket import Bucket, Place, parse_place
from blogapp.core.errors import BadSetting


def test_a_place_is_read_with_all_that_may_be_said_of_it() -> None:
    text = "s3://blog:a%2Fb%40c@notes/site/one?endpoint=https://s3.example.org:9000&region=eu-1&cache_mb=50"
    place = parse_place(text)
    assert place == Place("notes", "site/one", "https://s3.example.org:9000", "eu-1", "blog", "a/b@c", 50_000_000)
    assert "a/b@c" not in repr(place)
    assert (str(place), place.folder) == ("s3://notes/site/one", "site/one/")
    bare = parse_place("s3://notes")
    assert bare is not None
    assert (bare.folder, bare.key, bare.endpoint) == ("", None, None)
    assert parse_place("") is None


@pytest.mark.parametrize(
    "text",
    [
        "/var/files",
        "https://bucket/prefix",
        "s3://",
        "s3:///prefix",
        "s3://b",
        "s3://blog:secret@",
        "s3://blog@bucket",
        "s3://blog:sec/ret@bucket",
        "s3://bucket/../other",
        "s3://bucket/a b",
        "s3://bucket:9000/x",
        "s3://bucket?endpoint=minio:9000",
        "s3://bucket?endpoint=ftp://minio",
        "s3://bucket?cache_mb=lots",
        "s3://bucket?cache_mb=-1",
        "s3://bucket?region",
        "s3://bucket?colour=blue",
        "s3://bucket#x",
    ],
)
def test_what_cannot_be_understood_stops_the_start_with_one_line_and_no_secret(text: str) -> None:
    with pytest.raises(BadSetting, match="BLOG_FILES should be like s3://") as stopped:
        parse_place(text)
    assert "\n" not in str(stopped.value)
    assert "sec/ret" not in str(stopped.value)


def test_without_boto3_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(BadSetting, match=r"blogapp\[s3\]"):
        Bucket(Place("notes"))
