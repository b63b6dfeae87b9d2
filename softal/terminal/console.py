"""What people see in the terminal: progress, tables, the summary at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from softal.answer import Answer
from softal.cards.card import Table as Shown
from softal.cards.text import percent
from softal.numeric import number, with_error
from softal.objective import Objective
from softal.orchestrator.budget import Budget
from softal.orchestrator.status import Status
from softal.orchestrator.summary import Finding
from softal.space import Space
from softal.terminal.output import Terminal, harmless, plain
from softal.trial import Trial, TrialState

if TYPE_CHECKING:
    from softal.answer.optimum import Optimum
    from softal.orchestrator.single_runs.experiment import Experiment
    from softal.orchestrator.single_runs.simulate import Result

PLAIN_EVERY = 30.0  # seconds between lines about the progress where the output is no terminal
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


def status_text(status: Status) -> str:
    """Return how a campaign stands, in one line."""
    parts = [f"{status.done} done", f"{status.running} running"]
    if status.failed:
        parts.append(f"{status.failed} failed")
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
    table = Table(box=None, pad_edge=False, header_style="dim")
    points = {"answer": answer.point}
    if trial.point != answer.point:
        points[f"trial {trial.id}"] = trial.point
    tolerances = ["tolerances leave"] if optimum and optimum.tolerated else []
    for column in ["", "", *points, "optimum by the surrogate" if optimum else "", *tolerances, ""]:
        table.add_column(column)
    for name in space.all_names:
        shown = [place_text(optimum, name) if optimum else ""]
        shown += [spread_text(optimum.tolerated[name]) for _ in tolerances if optimum]
        values = (value_text(point[name]) for point in points.values())
        table.add_row("", name, *values, *shown, space.units.get(name, ""))
    console.print(table)
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
        console.print(Text(line, style="yellow"), soft_wrap=True)


def _heading(console: Terminal, head: str, text: str) -> None:
    console.print(Text.assemble((head, "bold"), "  ", text), soft_wrap=True)


def show_trials(
    console: Terminal,
    trials: list[Trial],
    names: Iterable[str],
    components: Iterable[str],
    objective: Objective | None = None,
) -> None:
    """Print trials as a table, with what they violate of the objective's outcome constraints."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    names, components = list(names), list(components)
    violating = ["violates"] if objective is not None and objective.outcomes else []
    hosts, reasons = len({trial.host for trial in trials}) > 1, any(trial.reason for trial in trials)
    more = [*["host"] * hosts, *["reason"] * reasons]
    widest = 60 if console.is_terminal else None
    for column in ["id", "state", *names, *components, *violating, "proposed by", "seconds", *more]:
        table.add_column(plain(column), overflow="fold", max_width=widest, no_wrap=column in (*components, *violating))
    for trial in trials:
        seconds = trial.finished - trial.started if trial.finished and trial.started else 0.0
        took = f"{seconds:.1f}" if seconds else ""  # results that were given took none here
        table.add_row(
            str(trial.id),
            str(trial.state),
            *(value_text(trial.point.get(name, "")) for name in names),
            *(
                with_error(trial.objective[name], trial.objective_errors.get(name)) if name in trial.objective else ""
                for name in components
            ),
            *(plain(_violates(objective, trial)) for _ in violating),
            plain(trial.origin),
            took,
            *[plain(trial.host or "")] * hosts,
            *[plain(trial.reason or "")] * reasons,
        )
    console.print(table)


def _violates(objective: Objective | None, trial: Trial) -> str:
    if objective is None or trial.state is not TrialState.DONE:
        return ""
    return ", ".join(f"{one.value} {one.of(trial.observation):.6g}" for one in objective.violated(trial))


def show_table(console: Terminal, shown: Shown) -> None:
    """Print a table of plain text, as pages have it, too."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, numeric in zip(shown.head, shown.numeric, strict=True):
        table.add_column(plain(name), overflow="fold", justify="right" if numeric else "left", no_wrap=numeric)
    for row in shown.rows:
        table.add_row(*map(plain, row))
    console.print(table)


def show_parts(console: Terminal, trials: Iterable[Trial], objective: Objective) -> None:
    """Print what the loss of each trial is made of, where matches have parts: chi of curves, deviations of targets."""
    names = [part.value for part in objective.parts]
    if not names:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ["id", *objective.names, *names]:
        table.add_column(plain(column), overflow="fold", no_wrap=column == "id")
    for trial in trials:
        if trial.objective:
            whole = (with_error(trial.objective[name], trial.objective_errors.get(name)) for name in objective.names)
            table.add_row(str(trial.id), *whole, *(_value_text(trial, name) for name in names))
    said = ": chi of curves; deviations of values in tolerances"
    console.print(Text.assemble(("Parts of the loss", "bold"), said), soft_wrap=True)
    console.print(table)


def _value_text(trial: Trial, name: str) -> str:
    if trial.observation is None or name not in trial.observation.values:
        return ""
    return with_error(trial.observation.values[name], trial.observation.errors.get(name))


def show_mapping(console: Terminal, rows: Mapping[str, Any]) -> None:
    """Print keys and values, a line each, which only the terminal breaks: a command in it can be copied and typed."""
    width = max(map(len, rows), default=0)
    for key, value in rows.items():
        console.print(Text.assemble((key.ljust(width), "bold"), "  ", plain(value)), soft_wrap=True)


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
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]["point"]:
        table.add_column(plain(name))
    for target in rows[0]["prediction"]:
        table.add_column(plain(target), style="green", no_wrap=True)
    for row in rows:
        predicted = (with_error(found["mean"], found["std"]) for found in row["prediction"].values())
        table.add_row(*(value_text(value, 6) for value in row["point"].values()), *predicted)
    console.print(table)
    console.print("± is the surrogate's standard deviation, without the noise of a simulation", style="dim")
    if out is not None:
        console.print(f"wrote {plain(out)}", soft_wrap=True)
    elif more:
        console.print("curves are predicted, too: --out FILE writes them", style="dim", soft_wrap=True)
