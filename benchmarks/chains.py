"""One chain: a method on a problem with one seed, evaluation after evaluation, each a line of a file.

A chain that was killed goes on: what the file holds is told to the method again, which must propose the same points.
"""

from __future__ import annotations

import fcntl
import json
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import peers
from problems import COST, Problem, problem

from softal.orchestrator.workers.job import Outcome
from softal.orchestrator.workers.sandbox import Sandbox
from softal.trial import Array, Observation, Point, Trial, TrialState

RELATIVE = 1e-9  # difference between points that are the same


@dataclass(frozen=True)
class Chain:
    """Names of a problem and a method, and a seed."""

    problem: str
    method: str
    seed: int
    budget: int

    def path(self, folder: Path) -> Path:
        """Return the chain's file."""
        return folder / self.problem / f"{self.method}-{self.seed}.jsonl"

    def cost_s(self, done: int = 0) -> float:
        """Return an estimate of the time that is left when `done` evaluations are there [s]."""
        left = max(0, self.budget - done)
        return left * problem(self.problem).seconds + (self.budget if left else 0) * peers.METHODS[self.method].seconds


class Diverged(RuntimeError):
    """The method proposes other points than the file has: its code or the problem is another."""


def run(chain: Chain, folder: Path) -> Chain:
    """Bring the chain to its budget, and return it.

    Raises:
        Diverged: if the file was written by another method or for another problem.
        BlockingIOError: if another process runs the same chain.
    """
    one, path = problem(chain.problem), chain.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _cut(file)
        known = read(path)
        if any(line["problem"] != one.fingerprint() for line in known):
            raise Diverged(f"{path} is of another problem of the name {one.name}; delete it to begin again")
        if len(known) >= chain.budget:
            return chain
        method = peers.METHODS[chain.method].make(one, chain.seed)
        for number in range(chain.budget):
            began = time.perf_counter()
            point = method.ask()
            asked = time.perf_counter() - began
            if number < len(known):
                line = known[number]
                _compare(point, line["point"], one, f"{path}, line {number + 1}")
            else:
                outcome = one.evaluate(_sandbox(chain.problem), point, chain.seed, number)
                line = _line(number, point, asked, outcome, one, arrays=chain.method == "composite")
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
            method.tell(_trial(line))
    return chain


def read(path: Path) -> list[dict[str, Any]]:
    """Return the file's lines; the last one is left out if it was not finished."""
    if not path.exists():
        return []
    *whole, _ = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in whole]


def _cut(file: Any) -> None:
    """Remove an unfinished last line."""
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, 2)


def _line(number: int, point: Point, asked: float, outcome: Outcome, one: Problem, *, arrays: bool) -> dict[str, Any]:
    line: dict[str, Any] = {
        "number": number,
        "problem": one.fingerprint(),
        "point": point,
        "state": str(outcome.state),
        "R": outcome.objective.get(COST),
        "error": outcome.objective_errors.get(COST),
        "ask_s": round(asked, 4),
        "seconds": round(outcome.finished - outcome.started, 4),
    }
    if outcome.reason:
        line["reason"] = outcome.reason[:200]
    if arrays and outcome.observation:
        line["arrays"] = {
            name: [None if part is None else part.tolist() for part in (array.values, array.errors, array.grid)]
            for name, array in outcome.observation.arrays.items()
            if name in {ref.array for component in one.objective.components for ref in component.references}
        }
    return line


def _trial(line: dict[str, Any]) -> Trial:
    """Return the trial of a line, as it is told: the same whether it was just run or read from the file."""
    arrays = {name: Array.of(*parts) for name, parts in line.get("arrays", {}).items()}
    done = line["state"] == TrialState.DONE
    return Trial(
        id=line["number"],
        point=line["point"],
        state=TrialState(line["state"]),
        observation=Observation({COST: line["R"]}, arrays=arrays) if done else None,
        objective={COST: line["R"]} if done else {},
        objective_errors={COST: line["error"]} if done and line["error"] is not None else {},
        reason=line.get("reason"),
        told=line["number"],
    )


def _compare(point: Point, stored: Point, one: Problem, place: str) -> None:
    for name, (low, high) in one.bounds.items():
        if abs(float(point[name]) - float(stored[name])) > RELATIVE * (high - low):
            raise Diverged(
                f"{place}: {name} = {stored[name]}, but {point[name]} is proposed: "
                "the file comes from other code; delete it to begin again"
            )


@cache
def _sandbox(name: str) -> Sandbox:
    return problem(name).sandbox()
