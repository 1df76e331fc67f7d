"""How many link definitions a writer would no longer have to type: a real site's posts in their order, with a glossary.

use: ./run python benchmarks/glossary.py [FOLDER]     (FOLDER: snips; by default ../shared/corpus/soups)

Nothing is written: each post asks the glossary of the posts before it, as the program does when it is published, and
then adds what it defines. A definition need not be typed where the glossary, or a member's page, would lead to the very
same address.
"""

import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from blogapp.core.addresses import suggest_slug
from blogapp.core.dialect.references import references_in
from blogapp.porting.documents import BadDocument
from blogapp.porting.snips.parsing import Snip, is_draft, parse_snip, parse_time

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "soups"
# Sites move between these without anybody's links changing.
SPELLING = re.compile(r"^https?://(?:www\.)?|/+$")


@dataclass
class Tally:
    """What was counted. `addresses`: all that a label has led to; `last`: where it leads now."""

    posts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    last: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    years: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, body: str, at: datetime, members: set[str]) -> None:
        """A post is published."""
        self.posts += 1
        found = references_in(body)
        for label, url in found.defined.items():
            for kind in self._kinds(label, url, members):
                self.counts[kind] += 1
                self.years[at.year][kind] += 1
        self.counts["twice in a post"] += len(found.definitions) - len(found.defined)
        self.counts["resolved though undefined"] += sum(
            label in self.last or label in members for label in found.missing
        )
        for label, url in found.own.items():
            self.last[label] = url
            self.addresses[label].add(url)

    def _kinds(self, label: str, url: str, members: set[str]) -> Iterator[str]:
        yield "definitions"
        before = self.last.get(label)
        if before is not None:
            yield "repeat a label"
            yield "same address" if before == url else "other address"
            if before != url and SPELLING.sub("", before) == SPELLING.sub("", url):
                yield "other spelling"
            if before != url and url in self.addresses[label]:
                yield "an earlier address"
        if url.startswith("/") and url.strip("/") in members:
            yield "to a member"
        # A member's name comes before what the label led to last.
        if (slug := suggest_slug(label)) in members:
            if url == f"/{slug}":
                yield "saved"
        elif before == url:
            yield "saved"


def read(folder: Path) -> tuple[list[tuple[datetime, Snip]], set[str]]:
    """What was published, in the order of publication, and the members' names."""
    found = []
    for path in sorted(folder.rglob("*.snip.*")):
        if path.parent.name in ("templates", "people", "_drafts"):
            continue
        try:
            snip = parse_snip(path.name, path.read_text("utf-8"))
            at = parse_time("created_at", snip.get("created_at"))
            if at is not None and not is_draft(snip) and path.suffix == ".markdown":
                found.append((at, snip))
        except BadDocument as error:
            print(f"left out: {path.name}: {error}", file=sys.stderr)
    members = {path.name.partition(".")[0] for path in (folder / "people").glob("*.snip.*")}
    return sorted(found, key=lambda pair: (pair[0], pair[1].name)), members


def show(tally: Tally, seconds: float) -> None:
    """Print the table."""
    counts, whole = tally.counts, max(1, tally.counts["definitions"])
    several = sum(len(urls) > 1 for urls in tally.addresses.values())
    print(f"{tally.posts} posts, {len(tally.addresses)} labels, {several} of them with more than one address\n")
    rows = (
        ("definitions", counts["definitions"]),
        ("repeat an earlier post's label", counts["repeat a label"]),
        ("  and lead to the very same address", counts["same address"]),
        ("  and lead elsewhere: still typed", counts["other address"]),
        ("    only http(s), www or a last slash differ", counts["other spelling"]),
        ("    back to an address that it had before", counts["an earlier address"]),
        ("lead to a member's page, by any label", counts["to a member"]),
        ("no longer typed", counts["saved"]),
    )
    for words, number in rows:
        print(f"{words:46} {number:6,} {number / whole:6.1%}")
    print(f"{'references without a definition that now resolve':46} {counts['resolved though undefined']:6,}")
    print(f"{'a text is read in':46} {seconds / max(1, tally.posts) * 1000:6.2f} ms\n")
    print("year  definitions  no longer typed")
    for year, found in sorted(tally.years.items()):
        less = found["saved"]
        print(f"{year}  {found['definitions']:11,}  {less:6,} {less / max(1, found['definitions']):8.1%}")


def main() -> int:
    """Replay the folder's posts."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    if not folder.is_dir():
        print(f"skipped: {folder} is not here")
        return 0
    documents, members = read(folder)
    tally, began = Tally(), time.perf_counter()
    for at, snip in documents:
        tally.add(snip.body, at, members)
    show(tally, time.perf_counter() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
