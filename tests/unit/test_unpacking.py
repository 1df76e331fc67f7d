"""Unpacking archives that strangers may have made, and telling what is in them."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from blogapp.porting import unpacking
from blogapp.porting.detect import detect
from blogapp.porting.documents import BadDocument
from blogapp.porting.unpacking import opened


def zipped(tmp_path: Path, *files: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = tmp_path / "up.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def tarred(tmp_path: Path, *files: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = tmp_path / "up.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member, content in files:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def link(name: str, target: str, type: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = type, target
    return member


def inside(path: Path) -> dict[str, bytes]:
    with opened(path) as folder:
        return {
            found.relative_to(folder).as_posix(): found.read_bytes() for found in folder.rglob("*") if found.is_file()
        }


def refused(path: Path) -> str:
    with pytest.raises(BadDocument) as caught:
        inside(path)
    return str(caught.value)


def test_a_folder_comes_out_of_either_kind_and_is_gone_afterwards(tmp_path: Path) -> None:
    expected = {"a.md": b"A", "b/c.md": b"C"}
    file = zipped(tmp_path, ("site/a.md", b"A"), ("site/b/c.md", b"C"), ("__MACOSX/site/._a.md", b"x"))
    assert inside(file) == expected
    assert inside(tarred(tmp_path, *((tarfile.TarInfo(f"site/{n}"), c) for n, c in expected.items()))) == expected
    with opened(file, tmp_path) as folder:
        assert folder.name == "site"
        assert folder.is_relative_to(tmp_path)
    assert not folder.exists()


def test_what_is_no_archive_is_given_back_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    for path in (tmp_path, tmp_path / "a.json"):
        with opened(path) as found:
            assert found == path


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/a", "a\\..\\b", "C:/a", "a\nb", "x" * 256, "a/" * 40 + "b"]
)
def test_a_name_that_leads_astray_is_refused(tmp_path: Path, name: str) -> None:
    assert "not allowed" in refused(tarred(tmp_path, (tarfile.TarInfo(name), b"x")))
    assert "not allowed" in refused(zipped(tmp_path, (name, b"x")))
    assert {path.name for path in tmp_path.iterdir()} <= {"up.zip", "up.tar.gz"}


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    assert "a link" in refused(zipped(tmp_path, (entry, b"/etc/passwd")))
    for type in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        assert "a link" in refused(tarred(tmp_path, (link("x", "/etc/passwd", type), b"")))


def test_two_names_that_some_systems_take_for_one_are_refused(tmp_path: Path) -> None:
    assert "twice" in refused(zipped(tmp_path, ("A.md", b"1"), ("a.md", b"2")))


@pytest.mark.parametrize("name", ["big.txt", "__MACOSX/big.txt"])
def test_a_small_archive_that_would_become_huge_is_refused(tmp_path: Path, name: str) -> None:
    content = b"\0" * 60_000_000
    assert "larger than 50 MB" in refused(zipped(tmp_path, (name, content)))
    assert "larger than 50 MB" in refused(tarred(tmp_path, (tarfile.TarInfo(name), content)))


def test_more_files_than_anybody_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_FILES", 3)
    assert "more than 3 files" in refused(zipped(tmp_path, *((f"{n}.md", b"x") for n in range(4))))


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a.md")
    member.pax_headers = {"comment": "x" * 20_000_000}
    assert "a header of a size" in refused(tarred(tmp_path, (member, b"x")))


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_a_damaged_archive_is_refused(tmp_path: Path, cut: int) -> None:
    for path in (zipped(tmp_path, ("a.md", b"x" * 500)), tarred(tmp_path, (tarfile.TarInfo("a.md"), b"x" * 500))):
        path.write_bytes(path.read_bytes()[:-cut])
        assert "damaged" in refused(path)


def test_a_locked_archive_says_that_it_is_locked(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("a.md", b"x"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    assert "password" in refused(path)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("posts.csv", "post_id,title\n", "substack"),
        ("my.ghost.2021.json", '{"db":[{"meta":{}}]}', "ghost"),
        ("export.xml", '<rss xmlns:wp="http://wordpress.org/export/1.2/">', "wordpress"),
        ("_posts/2018-02-09-a.md", "x", "markdown"),
        ("content/a.md", "---\n---\nx", "markdown"),
        ("hugo.toml", "", "markdown"),
        ("notes/a.md", "---\ntitle: x\n---\nx", "markdown"),
        ("weeknotes/week-1.snip.markdown", "x\n\n:name: y", "snips"),
        ("weeknotes/week-1.md", "x\n\n:name: y\n", "snips"),
    ],
)
def test_what_a_folder_is_is_told_by_what_lies_in_it(tmp_path: Path, name: str, content: str, kind: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    assert detect(tmp_path) == kind
    if kind not in ("markdown", "snips"):
        assert detect(path) == kind


def test_a_folder_of_something_else_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"x": 1}')
    (tmp_path / "b.md").write_text("Just text.")
    (tmp_path / "c.md").symlink_to("/etc/passwd")
    with pytest.raises(BadDocument, match=r"WordPress's \.xml"):
        detect(tmp_path)


def test_single_files_that_cannot_come_out_are_named_and_the_others_come(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link.md")
    entry.external_attr = 0o120777 << 16
    names = ["good.md", "../out.md", "GOOD.md", "good.md/b.md", "evil.md", "also.md"]
    path = zipped(tmp_path, (entry, b"/etc/passwd"), *((name, b"x") for name in names))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"evil.md", 0, data.index(b"PK\x01\x02"))
    data[at + len("evil.md")] ^= 0xFF  # the first byte of its content
    path.write_bytes(bytes(data))
    refusals: dict[str, str] = {}
    with opened(path, refuse=refusals.__setitem__) as folder:
        assert {p.name for p in folder.iterdir()} == {"good.md", "also.md"}
    assert set(refusals) == {"link.md", "../out.md", "GOOD.md", "good.md/b.md", "evil.md"}
    assert "damaged" in refusals["evil.md"]


def test_unpacking_can_be_stopped_between_two_files(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop), opened(zipped(tmp_path, ("a.md", b"x")), check=stop):
        pass
