"""What is printed for people."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable

import pytest

from softal.answer import Answer, Single
from softal.answer.optimum import Optimum
from softal.numeric import with_error
from softal.orchestrator.summary import Finding
from softal.space import Space
from softal.terminal.console import show_finding, show_mapping, show_predictions, show_trials
from softal.terminal.output import Terminal
from softal.trial import Trial, TrialState


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [(0.04123, 0.0013, "0.0412 ± 0.0013"), (120.4, 3.0, "120.4 ± 3.0"), (0.5, None, "0.5"), (2.0, 0.0, "2")],
)
def test_with_error(value: float, error: float | None, shown: str) -> None:
    assert with_error(value, error) == shown


SPACE = Space({"x": {"low": 0, "high": 1, "unit": "nm"}})
TRIAL = Trial(
    7, {"x": 0.5}, proposed_by="bayesian", state=TrialState.DONE, objective={"f": 0.9}, objective_errors={"f": 0.1}
)
SINGLE = Single(7, {"x": 0.5}, 0.9, 0.1)


def shown(answer: Answer, optimum: Optimum | None = None) -> list[str]:
    console = Terminal(width=100, record=True, file=io.StringIO())
    show_finding(console, Finding(TRIAL, answer, optimum), SPACE)
    return [line.strip() for line in console.export_text().splitlines()]


def test_a_single_result_is_said_to_be_one() -> None:
    lines = shown(Answer({"x": 0.5}, 0.9, 0.1, "trial", 1, 1.0, (7,), SINGLE, why="no repeats, no surrogate"))
    assert lines[:2] == [
        "Answer  f 0.90 ± 0.10, trial 7 alone, a single noisy result: no repeats, no surrogate",
        "Best single trial  trial 7 by bayesian: f 0.90 ± 0.10",
    ]
    assert (lines[2].split(), lines[3].split()) == (["answer"], ["x", "0.5", "nm"])


def test_the_answer_stands_beside_the_best_trial() -> None:
    lines = shown(Answer({"x": 0.25}, 1.0, 0.05, "repeats", 3, 1.0, (0, 1, 2), SINGLE))
    assert lines[0] == "Answer  f 1.000 ± 0.050, mean of 3 runs at fidelity 1, each with its own seed"
    assert lines[1] == "Best single trial  trial 7 by bayesian: f 0.90 ± 0.10"
    assert lines[2].split() == ["answer", "trial", "7"]
    assert lines[3].split() == ["x", "0.25", "0.5", "nm"]


def test_a_parameter_on_its_bound_has_no_error_but_a_question() -> None:
    answer = Answer({"x": 0.9}, 1.0, 0.05, "model", 1, 1.0, (3,), SINGLE)
    lines = shown(answer, Optimum({"x": (1.0, float("nan"))}, 0.8, 0.3, {"x": "upper"}, away=True))
    assert lines[0] == "Answer  f 1.000 ± 0.050, the surrogate's mean at trial 3's point"
    assert lines[2].startswith("Optimum by the surrogate  f 0.80 ± 0.30, away from every run")
    assert "1, at its upper bound" in lines[5]
    assert lines[6] == "x: at the edge of its range (1 nm): widen it?"


def test_predictions() -> None:
    rows = [
        {"point": {"x": 1.0, "kind": "[b]a"}, "prediction": {"f": {"mean": 0.5, "std": 0.01}}},
        {"point": {"x": 2.0, "kind": "b"}, "prediction": {"f": {"mean": -3.0, "std": 0.25}}},
    ]
    console = Terminal(width=100, record=True, file=io.StringIO())
    show_predictions(console, rows, more=True)
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines[:3] == [["x", "kind", "f"], ["1", "[b]a", "0.500", "±", "0.010"], ["2", "b", "-3.00", "±", "0.25"]]
    assert " ".join(lines[-1]) == "curves are predicted, too: --out FILE writes them"


def printed(show: Callable[[Terminal], None], width: int = 80) -> list[str]:
    console = Terminal(width=width, record=True, file=io.StringIO())
    show(console)
    return console.export_text().splitlines()


def check_numbers(lines: list[str], numbers: Iterable[str], width: int = 80) -> None:
    """Each number stands in one line, whole."""
    assert max(map(len, lines)) <= width
    cells = {cell for line in lines for cell in re.split(r"  +", line.strip())}
    assert set(numbers) <= cells


@pytest.mark.parametrize("width", [80, 60])
def test_tables_break_no_number(width: int) -> None:
    """Columns that do not fit come below the others, each time with the trial's number: in 80 characters, too."""
    names = [f"a_parameter_{i}" for i in range(9)]
    point = {name: 0.01234 * (i + 1) for i, name in enumerate(names)} | {"kind": "a long name of a choice of words"}
    origin = "qLogNoisyEI from 22 results, 1 pending"
    trials = [
        Trial(id_, point, proposed_by="bayesian", state=TrialState.DONE, objective={"mismatch": 1.23456},
              objective_errors={"mismatch": 0.00123}, started=1.0, finished=162.0, notes={"origin": origin})
        for id_ in (1233, 1234)
    ]  # fmt: skip
    lines = printed(lambda console: show_trials(console, trials, [*names, "kind"], ["mismatch"]), width)
    check_numbers(lines, [*(f"{point[name]:.4g}" for name in names), "1.2346 ± 0.0012", "2 min 41 s"], width)
    assert sum(line.startswith("1234 ") for line in lines) == sum(line.startswith("id ") for line in lines) > 1
    rows = [{"point": dict.fromkeys(names, 0.123456), "prediction": {"mismatch": {"mean": 1.23456, "std": 0.00123}}}]
    lines = printed(lambda console: show_predictions(console, rows), width)
    check_numbers(lines, ["0.123456", "1.2346 ± 0.0012"], width)


def test_lines_break_between_words_and_keep_a_value_with_its_error() -> None:
    answer = "energy 0.0281 ± 0.0021  " + "  ".join(f"a_parameter_{i}=0.{i}234" for i in range(9))
    for width in range(30, 81):
        lines = printed(lambda console: show_mapping(console, {"answer": answer}), width)
        words = [line.removeprefix("answer").strip() for line in lines]
        assert " ".join(words).split() == answer.split()
        assert sum("0.0281 ± 0.0021" in line for line in lines) == 1
        assert max(map(len, lines)) <= width
    command = "softal resume " + "x" * 100
    assert printed(lambda console: show_mapping(console, {"go on with": command}, ("go on with",)))[0].endswith(command)
