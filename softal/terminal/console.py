"""What people see in the terminal: progress, tables, the summary at the end."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from softal.answer import Answer
from softal.cards.card import Table as Shown
from softal.cards.text import duration, labelled, percent
from softal.numeric import number, with_error
from softal.objective import Objective
from softal.orchestrator.budget import Budget
from softal.orchestrator.status import Status
from softal.orchestrator.summary import Finding
from softal.space import Space
from softal.terminal.columns import Column, show_columns
from softal.terminal.output import Terminal, harmless, plain
from softal.tracking.changes import Change
from softal.trial import Trial, TrialState

if TYPE_CHECKING:
    from softal.answer.optimum import Optimum
    from softal.orchestrator.single_runs.experiment import Experiment
    from softal.orchestrator.single_runs.simulate import Result

PLAIN_EVERY = 30.0  # seconds between lines about the progress where the output is no terminal
LONG = 16  # characters of a choice that may go over several lines; numbers have fewer
SETTING = 6  # significant digits of parameters that people are to set
LATEST_CHANGES = 12  # that are printed; the report has all
NEWS_EVERY = 0.2  # seconds between lines about trials, however short they are


def value_text(value: object, digits: int = 4) -> str:
    """Return a parameter's value as people read it; a choice may be any text."""
    return plain(number(value, digits))


def point_text(trial: Trial, names: Iterable[str]) -> str:
    """Return a trial's free parameters in one line."""
    return "  ".join(f"{name}={value_text(trial.point[name])}" for name in names if name in trial.point)


def objective_text(trial: Trial) -> str:
    """Return a trial's objective with its errors in one line."""
    parts = (f"{plain(name)} {with_error(v, trial.objective_errors.get(name))}" for name, v in trial.objective.items())
    return ", ".join(parts)


class Display:
    """Shows a running campaign: a bar and news in a terminal, a line now and then elsewhere; never raises."""

    def __init__(self, console: Terminal, space: Space, budget: Budget) -> None:
        self.console, self._names, self._budget = console, space.names, budget
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[status]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID = self._progress.add_task("starting Ray", total=budget.trials, status="")
        self._last_plain = time.monotonic()
        self._last_news = 0.0

    def __enter__(self) -> Display:
        harmless(self._progress.start)()
        return self

    def __exit__(self, *_: object) -> None:
        harmless(self._progress.stop)()

    @harmless
    def trial_finished(self, trial: Trial, improved: bool) -> None:
        """Show a new best or a failure."""
        failed = trial.state is TrialState.FAILED
        if not (improved or failed) or time.monotonic() - self._last_news < NEWS_EVERY:
            return
        self._last_news = time.monotonic()
        line = Text(f"trial {trial.id:>4}  ")
        if failed:
            line.append(f"failed: {plain(trial.reason or '')}", style="red")
        else:
            line.append(objective_text(trial), style="bold green")
            line.append(f"  {point_text(trial, self._names)}  by {plain(trial.origin)}", style="dim")
        self.console.print(line, soft_wrap=True)

    @harmless
    def tick(self, status: Status) -> None:
        """Show how the campaign stands."""
        text = status_text(status)
        finished = status.done + status.failed - status.given
        self._progress.update(self._task, description=status.name, completed=finished, status=text)
        if not self.console.is_terminal and time.monotonic() - self._last_plain >= PLAIN_EVERY:
            self._last_plain = time.monotonic()
            of = f" of {self._budget.trials}" if self._budget.trials else ""
            self.console.print(f"{status.name}: {finished}{of} trials; {text}", soft_wrap=True)

    @harmless
    def message(self, text: str) -> None:
        """Show something that the user should know."""
        self.console.print(Text(plain(text, lines=True), style="yellow"), soft_wrap=True)

    @harmless
    def doing(self, text: str) -> None:
        """Show what is done now: in the bar's place, or as a line where the output is no terminal."""
        self._progress.update(self._task, description=plain(text), status="")
        if not self.console.is_terminal:
            self.console.print(Text(text, style="dim"), soft_wrap=True)


class Steps:
    """Says a line for each step of what takes a while, and what the user should know of it."""

    def __init__(self, console: Terminal) -> None:
        self._console = console

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        """Say nothing."""

    def tick(self, status: Status) -> None:
        """Say nothing."""

    @harmless
    def message(self, text: str) -> None:
        """Say something that the user should know."""
        self._console.print(Text(plain(text, lines=True), style="yellow"), soft_wrap=True)

    @harmless
    def doing(self, text: str) -> None:
        """Say what is done now."""
        self._console.print(Text(plain(text), style="dim"), soft_wrap=True)


def status_text(status: Status) -> str:
    """Return how a campaign stands, in one line."""
    parts = [f"{status.done} done", f"{status.running} running"]
    if status.failed:
        parts.append(f"{status.failed} failed")
    if status.dropped:
        parts.append(f"{status.dropped} dropped")
    if status.given:
        parts[0] += f" ({status.given} by user)"
    if status.best is not None:
        parts.append("best " + objective_text(status.best))
    if status.utilisation is not None:
        parts.append(f"workers {percent(status.utilisation)} busy")
    if status.mirror_behind > 1 and status.mirror_error:
        parts.append(f"MLflow {status.mirror_behind} behind")
    return ", ".join(parts)


def show_finding(console: Terminal, finding: Finding, space: Space) -> None:
    """Print the answer with its error, the best trial, and the optimum by the surrogate with its uncertainty."""
    trial, answer, optimum = finding.trial, finding.answer, finding.optimum
    name = plain(next(iter(trial.objective)))
    _heading(console, "Answer", f"{name} {with_error(answer.value, answer.error)}, {answer_words(answer)}")
    _heading(console, "Best single trial", f"trial {trial.id} by {plain(trial.proposed_by)}: {objective_text(trial)}")
    if optimum is not None:
        value = f"{name} {with_error(optimum.value, optimum.error)}"
        _heading(console, "Optimum by the surrogate", f"{value}, {optimum.beside(answer)}")
    points = {"answer": answer.point}
    if trial.point != answer.point:
        points[f"trial {trial.id}"] = trial.point
    names = space.all_names
    columns = [Column("", [f"  {name}" for name in names])]
    for head, point in points.items():
        texts = [value_text(point[name]) for name in names]
        columns.append(Column(head, texts, words=any(len(text) > LONG for text in texts)))
    if optimum:
        columns.append(Column("optimum by the surrogate", [place_text(optimum, name) for name in names]))
    if optimum and optimum.tolerated:
        columns.append(Column("tolerances leave", [spread_text(optimum.tolerated[name]) for name in names]))
    columns.append(Column("", [space.units.get(name, "") for name in names]))
    show_columns(console, columns, head="dim")
    show_warnings(console, finding.warnings(space))


def answer_words(answer: Answer) -> str:
    """Return how the answer was found, for people."""
    return answer.words + (", each with its own seed" if answer.origin == "repeats" else "")


def answer_text(answer: Answer, name: str, names: Iterable[str]) -> str:
    """Return the answer's value of the objective `name`, its point and how it was found, in one line."""
    point = "  ".join(f"{parameter}={value_text(answer.point[parameter])}" for parameter in names)
    return f"{plain(name)} {with_error(answer.value, answer.error)}  {point}  ({answer_words(answer)})"


def place_text(optimum: Optimum, name: str) -> str:
    """Return a parameter of the optimum with its error; where it is on an edge there is none."""
    centre, spread = optimum.place[name]
    if name in optimum.edges:
        return f"{number(centre)}, at its {optimum.edges[name]} bound"
    return spread_text((centre, spread))


def spread_text(place: tuple[Any, float]) -> str:
    """Return a number with its spread, or the choice that is most frequent."""
    centre, spread = place
    return with_error(centre, spread) if isinstance(centre, float) else plain(centre)


def show_warnings(console: Terminal, lines: Iterable[str]) -> None:
    """Print what the user should know of a finding."""
    for line in lines:
        console.tell((line, "yellow"))


def _heading(console: Terminal, head: str, text: str) -> None:
    console.tell((head, "bold"), f"  {text}")


def show_trials(
    console: Terminal,
    trials: list[Trial],
    names: Iterable[str],
    components: Iterable[str],
    objective: Objective | None = None,
) -> None:
    """Print trials as a table, with what they violate of the objective's outcome constraints."""
    names, outside = list(names), any(trial.outside for trial in trials)
    violating = outside or (objective is not None and bool(objective.outcomes))
    points = {name: [value_text(trial.point.get(name, "")) for trial in trials] for name in names}
    columns = [
        Column("id", [str(trial.id) for trial in trials]),
        Column("state", [str(trial.state) for trial in trials]),
        *(Column(plain(name), texts, words=any(len(one) > LONG for one in texts)) for name, texts in points.items()),
        *(Column(plain(name), [_component_text(trial, name) for trial in trials]) for name in components),
        *([Column("violates", [plain(_violates(objective, trial)) for trial in trials], words=True)] * violating),
        Column("proposed by", [plain(trial.origin) for trial in trials], words=True),
        Column("took", [_took(trial) for trial in trials]),
    ]
    if len({trial.host for trial in trials}) > 1:
        columns.append(Column("host", [plain(trial.host or "") for trial in trials], words=True))
    if any(trial.why for trial in trials):
        columns.append(Column("reason", [plain(trial.why or "") for trial in trials], words=True))
    show_columns(console, columns)


def _component_text(trial: Trial, name: str) -> str:
    known = name in trial.objective
    return with_error(trial.objective[name], trial.objective_errors.get(name)) if known else ""


def _took(trial: Trial) -> str:
    """Return how long a trial took; results that were given took no time here."""
    seconds = trial.finished - trial.started if trial.finished and trial.started else 0.0
    return duration(seconds) if seconds else ""


def show_points(console: Terminal, trials: Sequence[Trial], space: Space) -> None:
    """Print points for people to go to, with the numbers of their trials."""
    points = {name: [value_text(trial.point[name], SETTING) for trial in trials] for name in space.all_names}
    show_columns(
        console,
        [
            Column("trial", [str(trial.id) for trial in trials]),
            *(
                Column(plain(labelled(name, space.units[name])), texts, words=any(len(one) > LONG for one in texts))
                for name, texts in points.items()
            ),
            Column("proposed by", [plain(trial.origin) for trial in trials], words=True),
        ],
    )


def _violates(objective: Objective | None, trial: Trial) -> str:
    if objective is None or trial.state is not TrialState.DONE:
        return ""
    said = (f"{one.value} {one.of(trial.observation):.6g}" for one in objective.violated(trial))
    return ", ".join([*["the ranges"] * trial.outside, *said])


def show_table(console: Terminal, shown: Shown) -> None:
    """Print a table of plain text, as pages have it, too."""
    columns = [
        Column(plain(name), [plain(row[i]) for row in shown.rows], words=not numeric, right=numeric)
        for i, (name, numeric) in enumerate(zip(shown.head, shown.numeric, strict=True))
    ]
    show_columns(console, columns)


def show_parts(console: Terminal, trials: Iterable[Trial], objective: Objective) -> None:
    """Print what the loss of each trial is made of, where matches have parts: chi of curves, deviations of targets."""
    names = [part.value for part in objective.parts]
    if not names:
        return
    some = [trial for trial in trials if trial.objective]
    columns = [
        Column("id", [str(trial.id) for trial in some]),
        *(Column(plain(name), [_component_text(trial, name) for trial in some]) for name in objective.names),
        *(Column(plain(name), [_value_text(trial, name) for trial in some]) for name in names),
    ]
    said = ": chi of curves; deviations of values in tolerances"
    console.tell(("Parts of the loss", "bold"), said)
    show_columns(console, columns)


def _value_text(trial: Trial, name: str) -> str:
    if trial.observation is None or name not in trial.observation.values:
        return ""
    return with_error(trial.observation.values[name], trial.observation.errors.get(name))


def show_mapping(console: Terminal, rows: Mapping[str, Any], commands: Collection[str] = ()) -> None:
    """Print keys and values; a line that is a command only the terminal breaks: it can be copied and typed."""
    width = max(map(len, rows), default=0)
    for key, value in rows.items():
        if key in commands:
            console.say((key.ljust(width), "bold"), "  ", plain(value))
        else:
            console.tell(plain(value), head=f"{key.ljust(width)}  ")


def show_changes(console: Terminal, changes: Sequence[Change]) -> None:
    """Print the latest changes that the user has made of a campaign, a line each."""
    for change in changes[-LATEST_CHANGES:]:
        console.print(Text(plain(change.sentence), style="dim"), soft_wrap=True)


def relative(path: Path) -> str:
    """Return a path as the user would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class Runs:
    """Shows how many runs of `softal simulate` are done: a bar in a terminal, nothing elsewhere."""

    def __init__(self, console: Terminal, total: int) -> None:
        self._progress = Progress(
            TextColumn("simulating", style="bold", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed} of {task.total} runs done"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or console.quiet,
        )
        self._task: TaskID = self._progress.add_task("", total=total)

    def __enter__(self) -> Runs:
        harmless(self._progress.start)()
        return self

    def __exit__(self, *_: object) -> None:
        harmless(self._progress.stop)()

    @harmless
    def done(self, runs: int) -> None:
        """Show how many runs are done."""
        self._progress.update(self._task, completed=runs)


def show_simulation(console: Terminal, experiment: Experiment, result: Result, files: Iterable[Path]) -> None:
    """Print the objective and the values of `softal simulate` with their errors, and which files were written."""
    seeds = experiment.seeds
    several = f"mean of {len(seeds)} runs, seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    console.print(Text(f"{experiment.kind}, fidelity {experiment.fidelity:g}, {several}"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(no_wrap=True)
    for name, value in result.objective.items():
        table.add_row(plain(name), Text(with_error(value, result.objective_errors.get(name)), style="bold green"))
    rest = {name: value for name, value in result.observation.values.items() if name not in result.objective}
    for name, value in rest.items():
        table.add_row(plain(name), with_error(value, result.observation.errors.get(name)))
    console.print(table)
    if result.problem:
        console.print(
            Text(f"The objective cannot be evaluated: {plain(result.problem)}", style="yellow"), soft_wrap=True
        )
    for path in files:
        console.print(f"wrote {plain(path)}", soft_wrap=True)


def show_predictions(
    console: Terminal, rows: Iterable[Mapping[str, Any]], out: Path | None = None, *, more: bool = False
) -> None:
    """Print predictions at points as a table: each parameter, then each target with its standard deviation.

    Args:
        console: where.
        rows: as `predict_points` returns them.
        out: where their curves have been written; None where they have not.
        more: whether there are curves that could be.
    """
    rows = list(rows)
    if not rows:
        return
    points = {name: [value_text(row["point"][name], 6) for row in rows] for name in rows[0]["point"]}
    columns = [
        Column(plain(name), cells, words=any(len(one) > LONG for one in cells)) for name, cells in points.items()
    ]
    for target in rows[0]["prediction"]:
        found = (row["prediction"][target] for row in rows)
        columns.append(Column(plain(target), [with_error(one["mean"], one["std"]) for one in found], style="green"))
    show_columns(console, columns, keys=0)
    console.print("± is the surrogate's standard deviation, without the noise of a simulation", style="dim")
    if out is not None:
        console.print(f"wrote {plain(out)}", soft_wrap=True)
    elif more:
        console.print("curves are predicted, too: --out FILE writes them", style="dim", soft_wrap=True)
