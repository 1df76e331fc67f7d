"""What uploaded files are called."""

import pytest

from blogapp.porting.jobs.files import plain_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("old.zip", "old.zip"),
        (r"C:\files\old.zip", "old.zip"),
        ("../../.env", "env"),
        ("a\0b\n.zip", "ab.zip"),
        ("", "file"),
        ("é" * 100 + ".zip", "é" * 58 + ".zip"),
    ],
)
def test_a_file_keeps_the_plain_part_of_its_name(given: str, kept: str) -> None:
    assert plain_name(given) == kept
