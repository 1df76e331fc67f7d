"""Unpacking uploads: hostile archives are refused by name and hurt nothing."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from blogapp.core.errors import Invalid
from blogapp.porting.jobs import unpack as unpacking
from blogapp.porting.jobs.context import Stopped, top_of
from blogapp.porting.jobs.files import plain_name
from blogapp.porting.jobs.unpack import unpack


def write(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (mode | 0o644) << 16
    return info


def unpacked(archive: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """What came out, and what was refused."""
    target, refused = archive.parent / "out", dict[str, str]()
    target.mkdir()
    unpack(archive, target, refused.__setitem__, lambda: None)
    found = {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}
    return found, refused


def test_files_and_folders_come_out_as_they_went_in(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.zip", ("one.md", b"1"), ("deep/er/two.md", b"2"), ("deep/empty/", b""))
    assert unpacked(archive) == ({"one.md": b"1", "deep/er/two.md": b"2"}, {})


@pytest.mark.parametrize("name", ["../out.md", "/etc/out.md", "a/../../out.md", "..\\out.md", "C:\\out.md"])
def test_what_leads_outside_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, refused = unpacked(write(tmp_path / "a.zip", (name, b"x"), ("good.md", b"y")))
    assert found == {"good.md": b"y"}
    assert list(refused.values()) == ["its name leads outside of the archive"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "out"]


def test_links_devices_and_twins_are_refused_by_name(tmp_path: Path) -> None:
    entries = [(special("link.md", stat.S_IFLNK), b"/etc/passwd"), (special("pipe", stat.S_IFIFO), b"")]
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = write(tmp_path / "a.zip", *entries, ("a.md", b"1"), ("a.md", b"2"), ("a.md/b.md", b"3"))
    found, refused = unpacked(archive)
    assert found == {"a.md": b"1"}
    assert refused == {
        "link.md": "it is a symbolic link",
        "pipe": "it is no regular file",
        "a.md": "there is another one of that name in the archive",
        "a.md/b.md": "there is another one of that name in the archive",
    }


def test_a_name_that_no_disk_keeps_is_refused(tmp_path: Path) -> None:
    found, refused = unpacked(write(tmp_path / "a.zip", ("x" * 300, b"1"), ("b.md", b"2")))
    assert found == {"b.md": b"2"}
    assert list(refused.values()) == ["it has a name that this machine cannot keep"]


def test_what_computers_add_by_themselves_is_left_out_without_a_word(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.zip", ("__MACOSX/._a.md", b"x"), ("a/.DS_Store", b"x"), ("a/b.md", b"1"))
    assert unpacked(archive) == ({"a/b.md": b"1"}, {})


def test_a_damaged_file_in_an_archive_is_refused_and_the_others_come(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.zip", ("a.md", b"good words"), ("b.md", b"fine"))
    archive.write_bytes(archive.read_bytes().replace(b"good words", b"evil words"))
    assert unpacked(archive) == ({"b.md": b"fine"}, {"a.md": unpacking.DAMAGED})


@pytest.mark.parametrize("content", [b"", b"words", b"PK\x03\x04 and no more"])
def test_what_is_no_archive_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)
    with pytest.raises(Invalid, match=r"no \.zip file"):
        unpacked(archive)


def test_a_bomb_is_stopped_whatever_it_says_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES", 1_000_000)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.md", bytes(600_000))
    (tmp_path / "a.zip").write_bytes(data.getvalue())
    with pytest.raises(Invalid, match="unpacks to more than"):
        unpacked(tmp_path / "a.zip")
    assert sum(p.stat().st_size for p in (tmp_path / "out").iterdir()) <= 1_200_000


def test_too_many_files_are_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_FILES", 2)
    archive = write(tmp_path / "a.zip", *((f"{n}.md", b"x") for n in range(3)))
    with pytest.raises(Invalid, match="2 are the most"):
        unpacked(archive)


def test_unpacking_stops_when_the_job_is_to_stop(tmp_path: Path) -> None:
    def stop() -> None:
        raise Stopped

    archive = write(tmp_path / "a.zip", ("a.md", b"x"))
    with pytest.raises(Stopped):
        unpack(archive, tmp_path, lambda path, reason: None, stop)
    assert not (tmp_path / "a.md").exists()


def test_an_archive_of_a_folder_and_one_of_its_content_have_the_same_top(tmp_path: Path) -> None:
    (tmp_path / "site" / "_posts").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    assert top_of(tmp_path) == tmp_path / "site"
    (tmp_path / "about.md").touch()
    assert top_of(tmp_path) == tmp_path


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
