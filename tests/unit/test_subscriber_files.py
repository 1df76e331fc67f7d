"""Reading lists: what they are written in, and what is refused."""

import codecs
import os
from pathlib import Path

import pytest

from blogapp.porting.lists.files import LONGEST_LINE, BadList, Layout, read_layout, read_rows

TEXT = 'email,name\r\nann@example.org,José\r\n\r\n,,\r\nbea@example.org,"Bea,\nBee"\r\ndan@example.org,\r\n'


def write(folder: Path, data: bytes | str) -> Path:
    path = folder / "list.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows(path: Path, encoding: str = "") -> list[tuple[int, list[str]]]:
    return [(row.line, row.cells) for row in read_rows(path, read_layout(path, encoding))]


def refusal(path: Path, encoding: str = "") -> str:
    with pytest.raises(BadList) as caught:
        rows(path, encoding)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.replace(",", ";").replace("Bea;", "Bea,").encode(),
        TEXT.replace(",", "\t").replace("Bea\t", "Bea,").encode(),
        TEXT.replace("\r\n", "\n").encode(),
    ],
)
def test_a_list_is_read_however_it_is_written(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path, data)
    assert read_layout(path).columns == ("email", "name")
    assert rows(path) == [
        (2, ["ann@example.org", "José"]),
        (5, ["bea@example.org", "Bea,\nBee"]),
        (7, ["dan@example.org", ""]),
    ]


def test_what_is_not_utf8_is_refused_with_its_line_unless_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT.encode("windows-1252"))
    assert refusal(path).startswith("Line 2 is not UTF-8 (byte 0xe9).")
    assert rows(path, "windows-1252")[0][1] == ["ann@example.org", "José"]
    late = write(tmp_path, b"email,name\n" + b"ann@example.org,Ann\n" * 5000 + b"bea@example.org,\xff\n")
    assert refusal(late).startswith("Line 5002 is not UTF-8 (byte 0xff).")


def test_a_mark_says_more_than_a_wish(tmp_path: Path) -> None:
    assert rows(write(tmp_path, codecs.BOM_UTF8 + TEXT.encode()), "latin-1")[0][1] == ["ann@example.org", "José"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "It is empty"),
        (b"\r\n\r\n", "It is empty"),
        (b"PK\x03\x04and more", "ZIP archive or a spreadsheet"),
        (b"email\nann@example.org\nbea\0@example.org\n", "Line 3 holds a NUL byte"),
        ("email,name\n".encode("utf-16-le"), "Line 1 holds a NUL byte"),
        (b'email,name\na@example.org,"Ann\nb@example.org,Bea\n', "Line 2 cannot be read: a quotation mark"),
        (b'email,name\na@example.org,"Ann" Lee\n', "Line 2 cannot be read: its quotation marks"),
        (b'email,name\na@example.org,"' + b"x\n" * 70000 + b'"\n', "Line 2 cannot be read: one of its cells"),
        (b"email\n" + b"x" * (LONGEST_LINE + 1), "Line 2 is longer than"),
        (b"," * 600 + b"email\n", "It has 601 columns"),
    ],
)
def test_what_is_no_list_is_refused_and_the_reason_names_the_line(tmp_path: Path, data: bytes, why: str) -> None:
    assert why in refusal(write(tmp_path, data))


def test_links_folders_pipes_and_nothing_are_no_lists(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.csv", tmp_path / "pipe.csv"
    link.symlink_to(write(tmp_path, TEXT))
    os.mkfifo(pipe)
    assert "symbolic link" in refusal(link)
    assert "no regular file" in refusal(pipe)
    assert "no regular file" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "gone.csv")


def test_quotes_that_only_fit_one_delimiter_choose_it(tmp_path: Path) -> None:
    path = write(tmp_path, '"email";"first, last"\n"ann@example.org";"Ann, Lee"\n')
    assert read_layout(path) == Layout("utf-8", ";", ("email", "first, last"), False)
