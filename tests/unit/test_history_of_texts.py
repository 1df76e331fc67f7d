"""Two revisions beside each other, and who wrote which paragraph."""

from blogapp.authoring.comparing import Piece
from blogapp.authoring.side_by_side import Row, side_by_side
from blogapp.posts.blame import Paragraph, blame


def shown(rows: list[Row]) -> list[tuple[str, str] | int]:
    def text(side: list[Piece] | None) -> str:
        marks = {"same": "{}", "out": "[-{}-]", "in": "[+{}+]"}
        return "".join(marks[piece.kind].format(piece.text) for piece in side or [])

    return [row.skipped or (text(row.old), text(row.new)) for row in rows]


def test_a_changed_line_stands_beside_what_it_was_with_the_words_marked_in_both() -> None:
    rows = side_by_side("We baked bread on Monday.\nGone.\nSame.", "We baked rolls on Monday.\nSame.\nNew.")
    assert shown(rows) == [
        ("We baked [-bread-] on Monday.", "We baked [+rolls+] on Monday."),
        ("[-Gone.-]", ""),
        ("Same.", "Same."),
        ("", "[+New.+]"),
    ]


def test_long_unchanged_stretches_are_left_out_of_the_table() -> None:
    many = "\n".join(f"Line {number}" for number in range(20))
    rows = shown(side_by_side(many + "\nold end", many + "\nnew start"))
    assert rows[0] == 18
    assert rows[1:] == [
        ("Line 18", "Line 18"),
        ("Line 19", "Line 19"),
        ("[-old end-]", "[+new start+]"),
    ]


def test_the_sides_of_the_table_are_the_two_texts() -> None:
    old, new = "One.\n\nTwo two.\nThree\n", "Zero.\n\nTwo too.\n\nThree\nFour"
    rows = side_by_side(old, new)
    for text, side in ((old, "old"), (new, "new")):
        lines = ["".join(p.text for p in getattr(row, side)) for row in rows if getattr(row, side) is not None]
        assert lines == text.splitlines()


def test_a_paragraph_is_by_whoever_wrote_its_lines_last() -> None:
    texts = [(1, "One.\n\nTwo.\n"), (2, "One.\n\nTwo, changed.\n"), (4, "Zero.\n\nOne.\nAnd more.\n\nTwo, changed.")]
    assert blame(texts) == [
        Paragraph("Zero.", [4]),
        Paragraph("One.\nAnd more.", [4, 1]),
        Paragraph("Two, changed.", [2]),
    ]


def test_a_text_of_nothing_has_no_paragraphs() -> None:
    assert blame([]) == blame([(1, "\n \n")]) == []
