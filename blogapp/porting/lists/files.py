"""Reading a list of subscribers: what it is written in, its columns, its rows. Streams, so that memory stays flat.

What cannot be read as it stands is refused whole, before anybody is added, and the reason names the line.
"""

import codecs
import csv
import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from blogapp.core.errors import Invalid

ENCODINGS = ("utf-8", "utf-16", "latin-1", "windows-1252")
DELIMITERS = (",", ";", "\t")
# In characters. Longer ones are no rows of people; csv's own limit of 131,072 for one field is below it.
LONGEST_LINE = 1_000_000
MOST_COLUMNS = 500
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
ZIP = b"PK\x03\x04"


class BadList(Invalid):
    """The file cannot be read as a list; nobody was added. The message says why, and in which line."""


@dataclass(frozen=True)
class Layout:
    """How a file is written. `columns` are as they stand in it; without a line of names, `1`, `2`, … and `email`."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...] = ()
    headless: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row, and the line that it begins in."""

    line: int
    cells: list[str]


def read_layout(path: Path, encoding: str = "") -> Layout:
    """What the file's beginning says.

    Args:
        encoding: one of ENCODINGS; nothing: UTF-8. A byte-order mark says it for certain.

    Raises:
        BadList: it cannot be opened, is no text, or has no columns.
    """
    with _open(path) as file:
        start = file.read(4)
    if start == ZIP:
        raise BadList("It is a ZIP archive or a spreadsheet. Unpack it, or save it as CSV, and import the CSV files.")
    chosen = next((name for bom, name in BOMS if start.startswith(bom)), encoding or "utf-8")
    layout = Layout(chosen, _delimiter(path, chosen))
    first = next(_rows(path, layout), None)
    if first is None:
        raise BadList("It is empty.")
    if len(first.cells) > MOST_COLUMNS:
        raise BadList(f"It has {len(first.cells):,} columns; a list of people has fewer than {MOST_COLUMNS}.")
    headless = any("@" in cell for cell in first.cells)
    if headless:
        addresses = next(i for i, cell in enumerate(first.cells) if "@" in cell)
        names = ["email" if i == addresses else str(i + 1) for i in range(len(first.cells))]
    else:
        names = [" ".join(cell.split()) for cell in first.cells]
    return Layout(chosen, layout.delimiter, tuple(names), headless)


def read_rows(path: Path, layout: Layout) -> Iterator[Row]:
    """The rows under the line of names; empty lines are passed over.

    Raises:
        BadList: a line cannot be read.
    """
    rows = _rows(path, layout)
    if not layout.headless:
        next(rows, None)
    return rows


def _rows(path: Path, layout: Layout) -> Iterator[Row]:
    with _open(path) as file, _decoded(file, layout.encoding) as text:
        reader = csv.reader(_lines(text), delimiter=layout.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cells):
                    yield Row(line, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            raise BadList(f"Line {line} cannot be read: {_csv_words(error)}.") from None
        except UnicodeError as error:
            raise BadList(_encoding_words(path, layout.encoding, line, error)) from None


def _lines(text: TextIO) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise BadList(f"Line {number} is longer than {LONGEST_LINE:,} characters: this is no list of people.")
        if "\0" in line:
            raise BadList(f"Line {number} holds a NUL byte: this is no text, or UTF-16 without its mark.")
        yield line


def _delimiter(path: Path, encoding: str) -> str:
    """What parts most columns in the first row, with a comma where nothing does."""
    counts = {}
    for delimiter in DELIMITERS:
        first = next(_tolerant(path, Layout(encoding, delimiter)), None)
        counts[delimiter] = len(first.cells) if first else 0
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def _tolerant(path: Path, layout: Layout) -> Iterator[Row]:
    # `"a";"b"` read with commas is broken quoting: that delimiter is simply not the one.
    try:
        yield from _rows(path, layout)
    except BadList as error:
        if "cannot be read:" not in str(error):
            raise


def _open(path: Path) -> BinaryIO:
    """A regular file, opened without following a link and without waiting for a pipe's writer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise BadList("It is a symbolic link; name the file that it points to.") from None
        raise BadList(f"It cannot be read ({error.strerror or error.__class__.__name__}).") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadList("It is no regular file.")
    return os.fdopen(descriptor, "rb")


def _decoded(file: BinaryIO, encoding: str) -> TextIO:
    return io.TextIOWrapper(file, encoding=encoding, newline="")


def _csv_words(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end of data" in said:
        return "a quotation mark is opened in it and never closed"
    if "field larger" in said:
        return "one of its cells is longer than 131,072 characters, as if a quotation mark were missing"
    return f"its quotation marks do not fit ({said})"


def _encoding_words(path: Path, encoding: str, line: int, error: UnicodeError) -> str:
    if not encoding.startswith("utf-8"):
        return f"Near line {line} it is not {encoding}: {error}."
    number, byte = _first_bad(path) or (line, 0)
    hint = "If it comes from an older program, try --encoding windows-1252 (or latin-1)."
    return f"Line {number} is not UTF-8 (byte 0x{byte:02x}). {hint}"


def _first_bad(path: Path) -> tuple[int, int] | None:
    """(line, byte) of what is not UTF-8."""
    with _open(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(4 * LONGEST_LINE), b""), 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return number, line[error.start]
    return None
