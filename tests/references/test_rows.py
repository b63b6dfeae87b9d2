"""Tables of words under a header."""

from pathlib import Path

import pytest

from softal.references.tables import read_rows


def test_comments_and_empty_lines_are_left_out_and_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('\ufeff# a comment\nT, phase,note\n\n  # another\n0.5, qc12 ,"by hand, twice"\n1,#1,\n', "utf-8")
    rows = read_rows(path)
    assert rows.columns == ("T", "phase", "note")
    assert rows.lines == (5, 6)
    assert rows.cells == (
        {"T": "0.5", "phase": "qc12", "note": "by hand, twice"},
        {"T": "1", "phase": "#1", "note": ""},
    )


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("# nothing\n")
    assert read_rows(tmp_path / "rows.csv").columns == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n# a comment\n1,2,3\n", "line 4 has 3 cells; the header has 2"),
        ("a,b,a\n", "it has the column 'a' twice"),
        ("a,b\n1," + "x" * 200_000, "line 2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_rows(tmp_path / "rows.csv")
