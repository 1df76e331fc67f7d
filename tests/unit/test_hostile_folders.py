"""Folders and names that no honest import holds: each is named, none of them stops the others."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from blogapp.porting.documents import Document, Refusal
from blogapp.porting.files import BAD_NAME, MAX_DEPTH, TOO_DEEP, find_candidates
from blogapp.porting.pictures import Pictures
from blogapp.porting.services.sites import find_documents, find_site
from blogapp.porting.snips.reading import read_snips
from blogapp.porting.unpacking import Unfit, opened

SNIP = "Text.\n\n:created_at: 2018-01-01\n"
BAD = os.fsdecode(b"caf\xe9")


def test_a_name_that_is_not_utf8_is_refused_as_it_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / f"{BAD}.snip.markdown").write_text(SNIP)
    (tmp_path / BAD).mkdir()
    (tmp_path / BAD / "inside.snip.markdown").write_text(SNIP)
    (tmp_path / "tea.snip.markdown").write_text(SNIP)
    first, second, tea = read_snips([tmp_path], str).read()
    assert {first, second} == {Refusal(r"caf\xe9", BAD_NAME), Refusal(r"caf\xe9.snip.markdown", BAD_NAME)}
    assert isinstance(tea, Document)
    (named,) = read_snips([tmp_path / f"{BAD}.snip.markdown"], str).read()
    assert named == Refusal(r"caf\xe9.snip.markdown", BAD_NAME)


def test_a_site_names_what_is_not_utf8_too(tmp_path: Path) -> None:
    (tmp_path / f"v1.{BAD}").mkdir()
    (tmp_path / f"{BAD}.md").write_text("Text.")
    found = list(find_documents(find_site(tmp_path), tmp_path))
    assert found == [Refusal(r"caf\xe9.md", BAD_NAME), Refusal(r"v1.caf\xe9", BAD_NAME)]


def test_an_archive_with_a_name_that_is_not_utf8_gives_out_the_others(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in (f"soups/{BAD}.md", "soups/tea.md"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    refused: list[tuple[str, str]] = []
    with opened(archive, refuse=lambda name, why: refused.append((name, why))) as folder:
        assert [path.name for path in folder.iterdir()] == ["tea.md"]
    assert refused == [(r"soups/caf\xe9.md", rf"the archive holds soups/caf\xe9.md: {BAD_NAME}")]
    with pytest.raises(Unfit, match="not UTF-8"), opened(archive):
        pass


def test_a_folder_that_is_too_deep_is_refused_by_name(tmp_path: Path) -> None:
    tmp_path.joinpath(*["a"] * (MAX_DEPTH + 10)).mkdir(parents=True)
    fine = tmp_path.joinpath(*["a"] * (MAX_DEPTH - 1), "tea.md")
    fine.write_text(SNIP)
    deep = tmp_path.joinpath(*["a"] * MAX_DEPTH)
    assert [(found.path, found.reason) for found in find_candidates([tmp_path])] == [(deep, TOO_DEEP), (fine, "")]


def test_an_address_longer_than_any_name_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    text = f"![](/images/{'b' * 300}.png) ![](/images/a.png?sig={'x' * 300})"
    found, _ = Pictures(tmp_path).places(text, ("/images/",))
    assert [place.path.name for place in found] == ["a.png"]


def test_pictures_are_looked_for_a_bounded_number_of_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Pictures, "file", lambda self, name: asked.append(name))
    assert Pictures(tmp_path).places("/images/ " * 2_000, ("/images/",)) == ([], [])
    assert len(asked) <= 31 * 2_000
    assert max(map(len, asked)) <= 400
