"""Our rendering held against kramdown's, over the real posts of 2011 to 2017 (beside the checkout)."""

import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from blogapp.core.markup import render

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def comparison(corpus: Path) -> ModuleType:
    path = corpus.parent / "tools" / "compare_html.py"
    spec = importlib.util.spec_from_file_location("compare_html", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Body:
    """A document's text as written: template tags are not executed, and the title stays."""

    text: str
    format: str

    def html(self) -> str:
        return render(self.text, format=self.format).html


@pytest.fixture(scope="module")
def bodies(corpus: Path) -> dict[str, Body]:
    """All documents by name; a snip's text ends at the first line that starts with a colon."""
    found = {}
    for path in sorted((corpus / "soups").rglob("*.snip.*")):
        lines = path.read_text(encoding="utf-8").split("\n")
        end = next((number for number, line in enumerate(lines) if line.startswith(":")), len(lines))
        body = Body("\n".join(lines[:end]), path.suffix.removeprefix("."))
        found[path.name.partition(".")[0]] = body
    return found


@pytest.fixture(scope="module")
def differing(corpus: Path, bodies: dict[str, Body], comparison: ModuleType) -> dict[str, set[str]]:
    """What differs from the reference, by document; every document of the reference is in it."""
    with gzip.open(corpus / "reference-html-2017.jsonl.gz", "rt", encoding="utf-8") as lines:
        reference = {record["name"]: record["html"] for record in map(json.loads, lines)}
    assert len(reference) == 574
    found = {}
    for name, wanted_html in reference.items():
        wanted, have = comparison.facts(wanted_html), comparison.facts(bodies[name].html())
        found[name] = {fact for fact in wanted if wanted[fact] != have[fact]}
    return found


def test_the_real_documents_come_out_as_kramdown_renders_them(differing: dict[str, set[str]]) -> None:
    unfaithful = [name for name, facts in differing.items() if facts - {"words", "heading_ids"}]
    assert len(unfaithful) <= 0.01 * len(differing), unfaithful


def test_every_image_and_nearly_every_list_of_links_is_the_same(differing: dict[str, set[str]]) -> None:
    assert [name for name, facts in differing.items() if "images" in facts] == []
    other_links = [name for name, facts in differing.items() if "links" in facts]
    assert len(other_links) <= 0.01 * len(differing), other_links


def test_each_document_that_differs_is_named_with_its_cause(differing: dict[str, set[str]]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "rendering.md").read_text(encoding="utf-8")
    assert [name for name, facts in differing.items() if facts and f"`{name}`" not in page] == []


def test_every_real_document_renders_the_same_twice_and_has_a_short_summary(bodies: dict[str, Body]) -> None:
    first = [render(body.text, format=body.format) for body in bodies.values()]
    assert [render(body.text, format=body.format) for body in bodies.values()] == first
    assert all(len(rendered.summary) <= 290 for rendered in first)
