"""The strategy that proposes the rows of a table."""

from dataclasses import replace

import pytest

from softal.errors import StrategyError
from softal.objective import learn, minimize
from softal.space import Space
from softal.strategies import build
from softal.trial import Trial

SPACE = Space(
    {
        "T": {"low": 0.0, "high": 1.0},
        "n": {"low": 1, "high": 9, "integer": True},
        "start": {"choices": ["fluid", "hex"]},
        "frozen": {"choices": [True, False]},
        "delta": {"value": 1.4},
        "twice": {"derived": "2 * n"},
    },
    ["T + n <= 9.5"],
)
HEADER = "T,phase,n,start,frozen\n"


def made(folder, text, space=SPACE):
    (folder / "points.csv").write_text(text, encoding="utf-8")
    return build("table", space, learn("y"), settings={"file": str(folder / "points.csv")})


def test_rows_are_proposed_once_each_in_order(tmp_path):
    text = "# a comment\n" + HEADER + "0.5,qc12,3,hex,true\n\n 0.25 , fluid, 2.0, fluid, False\n0.5,qc12,3,hex,true\n"
    table = made(tmp_path, text)
    first = {"T": 0.5, "n": 3, "start": "hex", "frozen": True, "delta": 1.4, "twice": 6}
    proposals = [*table.ask(2), *table.ask(5)]
    assert [p.point for p in proposals] == [first, {**first, "T": 0.25, "n": 2, "start": "fluid", "frozen": False,
                                                    "twice": 4}, first]  # fmt: skip
    assert [p.notes["line"] for p in proposals] == [3, 5, 6]
    assert [type(p.point["n"]) for p in proposals] == [int] * 3
    assert table.ask(1) == []
    assert table.exhausted_because == "all 3 rows of points.csv were proposed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has no column 'T', 'n', 'start', 'frozen'; its columns are none"),
        ("T,n,start\n0.1,1,hex\n", "it has no column 'frozen'; its columns are T, n, start, the"),
        (HEADER, "it has no rows"),
        (HEADER + "0.1,x,1,hex\n", "line 2 has 4 cells; the header has 5"),
        ("T,T,n\n", "it has the column 'T' twice"),
        (HEADER + "0.1,x,1,hex,true\n,x,1,hex,true\n", "line 3: T: is empty"),
        (HEADER + "1.5,x,1,hex,true\n", r"line 2: T: 1.5 is given; .*0.0 .* 1.0"),
        (HEADER + "cold,x,1,hex,true\n", "line 2: T: 'cold' is given; a number is allowed"),
        (HEADER + "nan,x,1,hex,true\n", "line 2: T: "),
        (HEADER + "0.1,x,1.5,hex,true\n", "line 2: n: 1.5 is given"),
        (HEADER + "0.1,x,1,sq,true\n", "line 2: start: 'sq' is given; allowed: fluid, hex"),
        (HEADER + "0.1,x,1,hex,yes\n", "line 2: frozen: 'yes' is given; allowed: True, False"),
        (HEADER + "0.6,x,9,hex,true\n", r"line 2: is outside the constraints: `T \+ n <= 9.5`"),
        ("T,n,start,frozen,delta\n0.1,1,hex,true,1.5\n", "line 2: delta: 1.5 is given, but it is 1.4"),
        ("T,n,start,frozen,twice\n0.1,1,hex,true,3\n", "line 2: twice: 3.0 is given, but it is 2"),
        (HEADER + "2,x,1,hex,true\n" * 5, "line 2: .*; line 3: .*; line 4: .*; and 2 more rows"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_said(tmp_path, text, message):
    with pytest.raises(StrategyError, match=f"strategy 'table': points.csv: {message}") as raised:
        made(tmp_path, text)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(StrategyError, match=r"'none.csv' is given, but there is no file .*none.csv"):
        build("table", SPACE, learn("y"), settings={"file": "none.csv"})


def test_a_file_that_is_no_text_is_said(tmp_path):
    (tmp_path / "points.csv").write_bytes(b"T\n\x00\x01\n")
    with pytest.raises(StrategyError, match=r"points.csv: line 2 is no text: it holds the character 0x00"):
        build("table", SPACE, minimize("y"), settings={"file": str(tmp_path / "points.csv")})


def test_a_row_that_the_simulator_refuses_is_said(tmp_path):
    space = SPACE.refusing(lambda point: "it melts" if point["T"] > 0.5 else None)
    with pytest.raises(StrategyError, match=r"line 3: the simulator refuses it: it melts$"):
        made(tmp_path, HEADER + "0.1,x,1,hex,true\n0.6,x,1,hex,true\n", space)


def test_a_table_that_changed_is_not_resumed(tmp_path):
    text = HEADER + "0.1,x,1,hex,true\n0.2,x,1,hex,true\n0.3,x,1,hex,true\n"
    proposals = made(tmp_path, text).ask(2)
    trials = [Trial(i, p.point, notes=dict(p.notes)) for i, p in enumerate(proposals)]
    longer = made(tmp_path, text + "0.4,x,1,hex,true\n")
    longer.restore(trials)
    assert [p.point["T"] for p in longer.ask(9)] == [0.3, 0.4]
    with pytest.raises(StrategyError, match=r"points.csv, line 3: is not what trial 1 was; it changed"):
        made(tmp_path, text.replace("0.2", "0.25")).restore(trials)
    other = made(tmp_path, text.replace("0.2", "0.25"))
    other.restore([replace(trial, notes={}) for trial in trials])  # of another strategy
    assert other.asked == 2
