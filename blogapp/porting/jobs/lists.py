"""Lists of subscribers as a job: the preview says what each column is taken for, the import takes them in."""

from itertools import islice
from pathlib import Path
from typing import Any

from blogapp.core.errors import Invalid
from blogapp.core.web import local
from blogapp.porting.jobs.context import Running
from blogapp.porting.lists.dialects import MEANINGS, SERVICES
from blogapp.porting.lists.files import BadList, read_layout, read_rows
from blogapp.porting.lists.importing import INVALID, UNCLEAR, SubscriberReport, import_subscribers
from blogapp.porting.lists.preview import Preview, preview_subscribers
from blogapp.porting.lists.reading import Wishes
from blogapp.porting.lists.words import in_words
from blogapp.porting.report import Outcome

SAMPLES = 3
LONGEST_SAMPLE = 40
FIELDS = [["", "not used"], *([meaning, words] for meaning, words in MEANINGS.items())]
TICKS = {
    "agreed": "All of them agreed, and I can show it",
    "confirm": "Nobody’s consent can be shown: add them as not confirmed, and ask each by mail, 200 an hour",
    "windows": "It was written by an older Windows program (Windows-1252)",
}


def subscribers(job: Running) -> None:
    """A list from a CSV file: a preview, or the import."""
    file = job.upload()
    if file is None:
        raise Invalid("There is no file to import.")
    wishes = _wishes(job.options)
    if not job.dry_run:
        _tell(job, import_subscribers(file, wishes, by=job.by, on_progress=job.on_progress))
        return
    try:
        preview = preview_subscribers(file, wishes, by=job.by, on_progress=job.on_progress)
    except BadList as error:
        job.found = _what_to_say(file, wishes, error)
        return
    rows = list(islice(read_rows(file, read_layout(file, wishes.encoding)), SAMPLES))
    job.found = {
        "lines": _lines(preview),
        "refusal": f"{preview.refusal} The ticks below say so." if preview.refusal else "",
        "columns": [
            {"name": name, "taken": taken, "samples": _samples([row.cells for row in rows], number)}
            for number, (name, taken) in enumerate(preview.columns)
        ],
        "fields": FIELDS,
    }
    _tell(job, preview.report)


def _what_to_say(file: Path, wishes: Wishes, error: BadList) -> dict[str, Any]:
    """What stands on the page of a list that cannot be read like this: its columns, and what to do."""
    for encoding in (wishes.encoding, "windows-1252"):
        try:
            layout = read_layout(file, encoding)
            rows = [row.cells for row in islice(read_rows(file, layout), SAMPLES)]
        except BadList:
            continue
        if encoding == wishes.encoding:
            refusal = "No column is known to hold addresses. Say below which one does, and preview it again."
        else:
            refusal = "The file is not written in UTF-8. Tick below that it comes from an older Windows program."
        taken = {column: meaning for meaning, column in wishes.mapping.items() if column}
        columns = [
            {"name": name, "taken": taken.get(name, ""), "samples": _samples(rows, number)}
            for number, name in enumerate(layout.columns)
        ]
        return {"refusal": refusal, "columns": columns, "fields": FIELDS}
    raise error


def _wishes(options: Any) -> Wishes:
    """What the form said. A meaning that no column was chosen for is in none."""
    mapping: dict[str, str] = {}
    if "mapping" in options:
        mapping = dict.fromkeys(MEANINGS, "") | {taken: column for column, taken in options["mapping"] if taken}
    agreed = {"": "confirmed"} if options.get("agreed") else {}
    return Wishes(
        name=options["files"]["file"]["name"],
        mapping=mapping,
        statuses=agreed,
        encoding="windows-1252" if options.get("windows") else "",
        confirm=bool(options.get("confirm")),
    )


def _lines(preview: Preview) -> list[str]:
    written = "no service that is known" if preview.service == "csv" else SERVICES[preview.service].title
    lines = [f"The file looks as if it was written by {written}.", preview.note]
    if preview.samples:
        first = "; ".join(f"line {line}: {in_words(entry)}" for line, entry in preview.samples)
        lines.append(f"The first rows, as they are understood: {first}.")
    return [line for line in lines if line]


def _samples(rows: list[Any], number: int) -> list[str]:
    cells = (str(row[number]).strip() for row in rows if number < len(row))
    return [cell if len(cell) <= LONGEST_SAMPLE else f"{cell[: LONGEST_SAMPLE - 1]}…" for cell in cells if cell]


def _tell(job: Running, report: SubscriberReport) -> None:
    for line, address, why in report.wrong:
        job.report.add(Outcome(f"line {line}: {address}", "refused", why))
    unusable = report.counts.get(UNCLEAR, 0) + report.counts.get(INVALID, 0)
    for name, number in report.counts.items():
        if name not in (UNCLEAR, INVALID):
            job.count(name, number)
    if unusable:
        job.count("refused", unusable)
    if report.last_mail_at:
        job.say(f"The last mail that asks leaves at {local(report.last_mail_at):%H:%M on %Y-%m-%d}.")
