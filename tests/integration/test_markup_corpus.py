"""Our rendering held against kramdown's, over the real posts of 2011 to 2017 (beside the checkout)."""

import gzip
import importlib.util
import json
import time
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


@pytest.fixture(scope="module")
def bodies(corpus: Path) -> dict[str, str]:
    """The Markdown posts without Ruby in them; a snip's text ends at the first line that starts with a colon."""
    found = {}
    for path in sorted((corpus / "soups").rglob("*.snip.markdown")):
        lines = path.read_text(encoding="utf-8").split("\n")
        end = next((number for number, line in enumerate(lines) if line.startswith(":")), len(lines))
        body = "\n".join(lines[:end])
        if "<%" not in body:
            found[path.name.partition(".")[0]] = body
    return found


def test_the_real_posts_come_out_as_kramdown_renders_them(
    corpus: Path, bodies: dict[str, str], comparison: ModuleType
) -> None:
    with gzip.open(corpus / "reference-html-2017.jsonl.gz", "rt", encoding="utf-8") as lines:
        reference = {record["name"]: record["html"] for record in map(json.loads, lines)}
    names = bodies.keys() & reference.keys()
    assert len(names) > 400
    unfaithful = []
    for name in sorted(names):
        wanted, found = comparison.facts(reference[name]), comparison.facts(render(bodies[name]).html)
        if {fact for fact in wanted if wanted[fact] != found[fact]} - {"words", "heading_ids"}:
            unfaithful.append(name)
    assert 1 - len(unfaithful) / len(names) >= 0.97, unfaithful


def test_every_real_post_renders_quickly_and_the_same_twice(bodies: dict[str, str]) -> None:
    texts = list(bodies.values())
    started = time.perf_counter()
    first = [render(text) for text in texts]
    mean_ms = (time.perf_counter() - started) / len(texts) * 1000
    assert mean_ms < 60, "far from the 5 ms a post measured on a quiet machine"
    assert [render(text) for text in texts] == first
    assert all(len(rendered.summary) <= 290 for rendered in first)
