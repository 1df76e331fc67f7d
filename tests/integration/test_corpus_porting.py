"""The real past of a team, in and out again: every document, and every byte of them."""

import gzip
import importlib.util
import json
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.delivery.models import OutboxMail
from blogapp.digest.models import Digest
from blogapp.porting.html_export import write_lines
from blogapp.porting.snips.exporting import export_snips
from blogapp.posts.models import Post
from tests.heard import import_snips

pytestmark = pytest.mark.corpus


def comparison(corpus: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare_html", corpus.parent / "tools" / "compare_html.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_whole_past_comes_in_changes_nothing_again_and_goes_out_byte_for_byte(
    app: Flask, alice: Member, corpus: Path, tmp_path: Path
) -> None:
    soups, images = corpus / "soups", corpus / "images"
    report = import_snips([soups], images=images)
    assert [(o.path, o.reason) for o in report.outcomes if o.result != "made"] == []
    assert len(report.outcomes) == 577
    left = {
        warning.partition(" is no helper")[0] for o in report.outcomes for warning in o.warnings if "helper" in warning
    }
    assert left == {"line 1: <%= tagline %>"}
    rows = db.session.execute(select(Post.kind, func.count()).group_by(Post.kind)).all()
    assert {row[0]: row[1] for row in rows} == {"week": 319, "links": 122, "article": 78, "page": 46}
    for model in (Digest, OutboxMail):
        assert db.session.execute(select(func.count()).select_from(model)).scalar_one() == 0
    assert import_snips([soups], images=images).results == ["unchanged"] * 577
    done = export_snips(tmp_path / "out")
    assert dict(done.counts) == {"untouched": 577}
    came = {path.relative_to(soups): path.read_bytes() for path in soups.rglob("*") if path.is_file()}
    assert {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*.snip.*")} == came
    _holds_against_the_reference(corpus)


def _holds_against_the_reference(corpus: Path) -> None:
    """What `blogapp export html --jsonl` writes is what the comparison reads, for every document."""
    out = StringIO()
    write_lines(out)
    ours = {record["name"]: record["html"] for record in map(json.loads, out.getvalue().splitlines())}
    with gzip.open(corpus / "reference-html-2017.jsonl.gz", "rt", encoding="utf-8") as lines:
        reference = {record["name"]: record["html"] for record in map(json.loads, lines)}
    assert ours.keys() == reference.keys()
    facts = comparison(corpus).facts
    sample = sorted(reference)[::25]
    same = sum(facts(reference[name])["images"] == facts(ours[name])["images"] for name in sample)
    assert same == len(sample)
