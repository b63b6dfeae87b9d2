"""Time that mirroring a trial into MLflow takes: inserted many at a time, and by MLflow's client calls.

python benchmarks/mirror.py [--trials 1000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from softal.objective import minimize
from softal.tracking import mlflow
from softal.tracking.journal import Journal
from softal.trial import Observation, Trial, TrialState


def journal(folder: Path, n: int) -> Journal:
    now = time.time()
    made = Journal.create(
        folder, "name: bench\n", {"name": "bench", "id": "0" * 32, "created": now, "state": "running"}
    )
    values = [random.random() for _ in range(n)]
    made.write(
        Trial(
            id=i,
            point={"x": y, "n": 3},
            seed=i,
            proposed_by="random",
            state=TrialState.DONE,
            observation=Observation({"y": y}, {"y": 0.1}),
            objective={"y": y},
            objective_errors={"y": 0.1},
            proposed=now,
            started=now,
            finished=now + 0.01,
            host="here",
            attempts=1,
        )
        for i, y in enumerate(values)
    )
    return made


def ms_per_trial(n: int, *, client: bool) -> float:
    with tempfile.TemporaryDirectory() as name, journal(Path(name) / "run", n + 1) as record:
        follower = mlflow.Mirror(record, None, "bench", minimize("y"))
        follower.step(max_trials=1)  # makes the database
        if client:
            follower.store._database = None
        begun = time.perf_counter()
        while follower.behind:
            if not follower.step():
                sys.exit(f"MLflow: {follower.last_error}")
        return (time.perf_counter() - begun) / n * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {name: ms_per_trial(options.trials, client=name == "client") for name in ("inserted", "client")}
    for name, ms in results.items():
        print(f"{name:10s} {ms:7.2f} ms/trial")
    if options.json:
        options.json.write_text(json.dumps({name: {"ms_per_trial": ms} for name, ms in results.items()}, indent=1))


if __name__ == "__main__":
    main()
