"""Foreign text is printed as it is, and nothing that is printed raises."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table
from rich.text import Text

from softal.answer import Answer, Single
from softal.objective import Component, Objective
from softal.orchestrator.budget import Budget
from softal.orchestrator.status import Status
from softal.orchestrator.summary import Finding
from softal.space import Space
from softal.terminal import streams
from softal.terminal.console import Display, show_finding, show_trials
from softal.terminal.output import Terminal, harmless, plain
from softal.trial import Trial, TrialState

CHOICES = ("[/b]", "[red]a", "\x1b[31mred\r", "\ud800", ":smile:", "right\u202eleft", "two\nlines")
PRINTED = ("[/b]", "[red]a", r"\x1b[31mred\r", r"\ud800", ":smile:", r"right\u202eleft", r"two\nlines")
BUDGET = Budget(Objective((Component("f[/b]", "minimize"),)), trials=9)
SPACE = Space({"c": {"choices": list(CHOICES)}})


@pytest.mark.parametrize(("text", "printed"), list(zip(CHOICES, PRINTED, strict=True)))
def test_foreign_text_is_plain(text: str, printed: str) -> None:
    assert plain(text) == printed
    assert plain(plain(text)) == printed


def test_messages_keep_their_lines() -> None:
    assert plain("one\n\ttwo\x07\u2028", lines=True) == "one\n\ttwo\\x07\\u2028"


def printed(show: Callable[[Terminal], object], **options: bool) -> str:
    file = io.StringIO()
    show(Terminal(file=file, width=300, **options))
    return file.getvalue()


def trials() -> list[Trial]:
    common = {"state": TrialState.FAILED, "reason": "[/bold] \x1b[2J\x9b2J", "host": "[h]"}
    return [Trial(i, {"c": c}, proposed_by="table of points[1].csv", **common) for i, c in enumerate(CHOICES)]


def check(text: str, expected: Iterable[str]) -> None:
    assert not set(text) & set("\x1b\r\x07\x9b\ud800\u202e")
    for part in expected:
        assert part in text


def test_trials_and_what_they_took_are_printed_as_they_are() -> None:
    def show(console: Terminal) -> None:
        show_trials(console, trials(), ["c"], ["f[/b]"])

    check(printed(show), [*PRINTED, "f[/b]", r"[/bold] \x1b[2J\x9b2J", "points[1].csv"])


@pytest.mark.parametrize(("choice", "shown"), list(zip(CHOICES, PRINTED, strict=True)))
def test_the_finding(choice: str, shown: str) -> None:
    trial = Trial(0, {"c": choice}, proposed_by="[/x]", state=TrialState.DONE, objective={"f[/b]": 1.0})
    answer = Answer({"c": choice}, 1.0, 0.1, "trial", 1, 1.0, (0,), Single(0, {"c": choice}, 1.0, 0.1))
    check(printed(lambda console: show_finding(console, Finding(trial, answer, None), SPACE)), ["f[/b]", shown])


def test_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softal.terminal.console.NEWS_EVERY", 0.0)

    def show(console: Terminal) -> None:
        with Display(console, SPACE, BUDGET) as display:
            for trial in trials():
                display.trial_finished(trial, improved=False)
                display.trial_finished(Trial(9, trial.point, objective={"f[/b]": 1.0}), improved=True)
            display.message("[/b] \x1b[2J")
            display.doing("[/b] \x1b[2J")

    check(printed(show), [*PRINTED, "f[/b] 1", r"[/bold] \x1b[2J"])


def test_the_bar_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial(0, {"c": "[/b]"}, state=TrialState.DONE, objective={"f[/b]": 1.0})
    status = Status("odd", "running", "", 1, 1, 0, 0, trial, 0.5, 10.0, 1.0)

    def show(console: Terminal) -> None:
        with Display(console, SPACE, BUDGET) as display:
            display.doing("[/b] \x1b[2J")
            display.tick(status)
            console.print("between")

    text = printed(show, force_terminal=True)
    assert "best f[/b] 1" in text
    assert "\x1b[2J" not in text.replace("\x1b[2K", "")
    assert capsys.readouterr().err == ""


def test_what_forgot_to_ask_is_plain_all_the_same() -> None:
    table = Table("[/b]")
    table.add_row(Text("\x1b[2Jno"))

    def show(console: Terminal) -> None:
        console.print("[/b]\x1b[2J", Text("\x9b"), table)

    check(printed(show), [r"[/b]\x1b[2J \x9b", "[/b]", r"\x1b["])


def test_the_terminal_keeps_its_own_colours() -> None:
    assert "\x1b[1m" in printed(lambda console: console.print(Text("a", style="bold")), force_terminal=True)


def test_a_password_is_never_printed() -> None:
    text = printed(lambda console: console.print("refused by http://alice:S3cret@host:5000/x, again"))
    assert text == "refused by http://alice:***@host:5000/x, again\n"


@pytest.mark.parametrize(
    ("encoding", "bytes_"),
    [("ascii", rb"0.5 +- 0.1 sigma^2 \u2713 \ud800"), ("latin-1", b"0.5 \xb1 0.1 sigma\xb2 \\u2713 \\ud800")],
)
def test_characters_that_an_encoding_lacks(encoding: str, bytes_: bytes, tmp_path: Path) -> None:
    streams.secure()
    with (tmp_path / "out").open("w", encoding=encoding, errors=streams.SIMPLER) as stream:
        stream.write("0.5 ± 0.1 σ² ✓ \ud800")
    assert (tmp_path / "out").read_bytes() == bytes_


def test_a_sink_takes_all_and_says_what_was_lost(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        sink = streams.Sink(file.fileno())
        assert (sink.write(b"kept"), sink.lost) == (4, None)
    sink = streams.Sink(os.open("/dev/full", os.O_WRONLY))
    assert sink.write(b"lost") == 4
    assert sink.lost is not None
    assert (tmp_path / "out").read_bytes() == b"kept"
    os.close(sink.fileno())


def test_each_row_of_a_table_is_a_line_where_programs_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    names = [f"parameter_{i}" for i in range(20)]
    known = {"state": TrialState.FAILED, "reason": "it melted " * 50}
    several = [Trial(i, dict.fromkeys(names, 1.5), **known) for i in range(3)]  # type: ignore[arg-type]

    def lines(**options: Any) -> list[str]:
        file = io.StringIO()
        console = Terminal(file=file, **options)
        width = console.width
        show_trials(console, several, names, ["f"])
        console.print("x" * 200)
        assert console.width == width
        return file.getvalue().splitlines()

    assert len(lines()) == 1 + 3 + 200 // 80 + 1, "what is no table is folded as ever"
    assert len(lines(force_terminal=True, width=80)) > 40
    monkeypatch.setenv("COLUMNS", "90")
    assert max(len(line) for line in lines()) <= 90


def test_what_is_shown_never_raises(capsys: pytest.CaptureFixture[str]) -> None:
    def show(console: Terminal) -> None:
        raise RuntimeError("reentrant call [/b]\x1b[2J")

    shown = harmless(show)
    shown(Terminal())
    shown(Terminal())  # a bar is drawn twice a second
    assert capsys.readouterr().err == "This cannot be shown: RuntimeError: reentrant call [/b]\\x1b[2J\n"


def test_a_display_whose_stream_is_closed_says_nothing() -> None:
    file = io.StringIO()
    console = Terminal(file=file)
    status = Status("c", "running", "", 1, 1, 0, 0, None, None, 1.0, 1.0, 0, None)
    with Display(console, SPACE, BUDGET) as display:
        file.close()
        display.message("one")
        display.tick(status)
        display.doing("two")
