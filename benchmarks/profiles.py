"""How good learners of profiles are on systems that they have not seen, how long they train, how fast they predict.

    .venv/bin/python benchmarks/profiles.py --json profiles.json --docs docs/benchmarks.md

Two libraries. `theory`: ions between planes by the mean-field theory of `tests/planes.py`, which is no simulation, with
noise whose level is known: what is predicted can be compared with what is true. `authors`: the 82 systems with charged
walls that the paper's authors simulated, in `--authors FILE`, each predicted by what learned from four fifths of the
others. Beside the networks stand Gaussian processes of the same components, and of principal components of the bins
alone, which know nothing (`softal.surrogates.curves`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from overhead import put_into

from softal.objective import learn
from softal.outputs import Known
from softal.space import Space
from softal.surrogates import build_learner
from softal.surrogates.curves.curves import Curves as PlainCurves
from softal.surrogates.profiles.data import ProfileData
from softal.surrogates.profiles.report import FEATURES, Score, score
from softal.surrogates.profiles.training import Problem
from softal.trial import Array, Observation, Trial, TrialState

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

import planes  # noqa: E402

BEGIN, END = "<!-- profiles: begin -->", "<!-- profiles: end -->"
AUTHORS = HERE.parents[1] / "shared" / "data" / "confined_ions_charged_walls.npz"
KINDS = ("ensemble", "gaussian_process", "plain", "paper", "truth")
LABELS = {
    "ensemble": "`profiles`, ensemble",
    "gaussian_process": "`profiles`, Gaussian processes",
    "plain": "Gaussian processes of the bins' components",
    "paper": "the paper's network",
    "truth": "the truth itself",
}
ARRAYS = ("negative", "positive")
BINS = 500  # of the authors' profiles
FOLDS = 5
# The authors' boxes: 15 nm wide at 0.5 M and below, 10 nm above; whole ions in them.
AREA = "(100 + 125*min(1, max(0, ceil(0.501 - c))))"
SALT = f"floor(0.6022*c*h*{AREA} + 1e-9) / (0.6022*h*{AREA})"
COUNTER = f"floor(2*abs(surface_charge)/0.160218*{AREA} + 1e-9) / (0.6022*h*{AREA})"
AUTHORS_SPACE = {
    "h": {"low": 4.0, "high": 5.0},
    "c": {"low": 0.1, "high": 2.0},
    "surface_charge": {"low": -0.02, "high": -0.01},
    "d": 0.415,
}

Predict = Callable[[Sequence[Trial]], dict[str, tuple[Any, Any]]]


def main() -> None:
    options = _options()
    results = json.loads(options.show.read_text()) if options.show else measure(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    table = markdown(results)
    print(table)
    if options.docs:
        put_into(options.docs, f"{table}\n", BEGIN, END)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, nargs="*", default=[50, 100, 300], help="of the theory, learned from")
    parser.add_argument("--tests", type=int, default=150, help="systems of the theory that test")
    parser.add_argument("--noise", type=float, default=0.03, help="relative error of a bin at 1 M")
    parser.add_argument("--epochs", type=int, default=4000, help="of the paper's network")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--authors", type=Path, default=AUTHORS, help="NPZ with the authors' systems")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--show", type=Path, help="show the results of this file, measure nothing")
    parser.add_argument("--docs", type=Path, help="put the tables into this page")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    results: dict[str, Any] = {"theory": {}, "authors": {}, "noise": options.noise, "epochs": options.epochs}
    results["day"] = time.strftime("%Y-%m-%d")
    for n in options.systems:
        results["theory"][str(n)] = {kind: theory(kind, n, options) for kind in options.only}
        print(json.dumps(results["theory"][str(n)]), flush=True)
    if options.authors.is_file():
        results["authors"] = {kind: authors(kind, options) for kind in options.only if kind != "truth"}
        print(json.dumps(results["authors"]), flush=True)
    return results


# The theory.


def theory(kind: str, n: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return scores of a kind that learned from n systems, on others, and its times."""
    space, known = Space(planes.SPACE), planes.KNOWN
    trials = planes.slits(n, seed=1, noise=options.noise)
    tests = planes.slits(options.tests, seed=2, noise=options.noise)
    exact = planes.slits(options.tests, seed=2, noise=0.0)
    began = time.process_time()
    predict = learned(kind, trials, space, known, options)
    seconds = time.process_time() - began
    found = predict(tests)
    true = {name: np.array([t.observation.arrays[name].values for t in exact]) for name in ARRAYS}
    apart = [(found[name][0] - true[name])[true[name] > 1e-6] for name in ARRAYS]
    return {
        **pooled(scores(found, tests, space, known)),
        "true_rmse": float(np.sqrt(np.mean(np.concatenate(apart) ** 2))),
        "training": seconds,
        **({} if kind == "truth" else speed(predict, tests)),
    }


def speed(predict: Predict, tests: Sequence[Trial]) -> dict[str, float]:
    """Return milliseconds of CPU for all profiles of one point, and of 1000 points at once: medians."""
    many = [tests[i % len(tests)] for i in range(1000)]
    times = {}
    for name, some, rounds in (("one", tests[:1], 200), ("thousand", many, 7)):
        predict(some)
        each = []
        for _ in range(rounds):
            began = time.process_time()
            predict(some)
            each.append(time.process_time() - began)
        times[f"{name}_ms"] = 1e3 * float(np.median(each))
    return times


# The authors' systems.


def authors(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return scores of a kind on the authors' systems, each predicted by what learned from other ones."""
    space, trials = Space(AUTHORS_SPACE), authors_trials(options.authors)
    known = {
        name: Known(
            True, True, "(h - 0.8*d) / (2*h)", "(h - d) / (2*h)", SALT + (f" + {COUNTER}") * (name != "negative")
        )
        for name in ARRAYS
    }
    fold = np.random.default_rng(0).permutation(len(trials)) % FOLDS
    found = {name: tuple(np.full((2, len(trials), BINS), np.nan)) for name in ARRAYS}
    began = time.process_time()
    for k in range(FOLDS):
        predict = learned(kind, [t for t, f in zip(trials, fold, strict=True) if f != k], space, known, options)
        own = predict([t for t, f in zip(trials, fold, strict=True) if f == k])
        for name in ARRAYS:
            for target, values in zip(found[name], own[name], strict=True):
                target[fold == k] = values
    seconds = time.process_time() - began
    return {**pooled(scores(found, trials, space, known)), "training": seconds / FOLDS}


def authors_trials(path: Path) -> list[Trial]:
    """Return the authors' systems as trials, on a common grid of z / h."""
    data = np.load(path)
    grid = (np.arange(BINS) + 0.5) / BINS - 0.5
    trials = []
    for i, row in enumerate(data["parameters"]):
        h, d, c, charge = (float(row[k]) for k in (0, 3, 5, 6))
        arrays = {}
        for name in ARRAYS:
            z, rho, error = data[name][i].astype(np.float64).T
            arrays[name] = Array.of(np.interp(grid, z / h, rho), np.interp(grid, z / h, error), grid, unit="M")
        point = {"h": h, "c": c, "surface_charge": charge, "d": d}
        observation = Observation({"mid": float(arrays["positive"].values[BINS // 2])}, arrays=arrays)
        trials.append(Trial(i, point, state=TrialState.DONE, observation=observation))
    return trials


# What learns.


def learned(
    kind: str, trials: Sequence[Trial], space: Space, known: dict[str, Known], options: argparse.Namespace
) -> Predict:
    """Return what predicts mean and standard deviation (n, bins) of each array, having learned from trials."""
    if kind == "plain":
        return plain(trials, space)
    if kind == "truth":
        return truth
    settings = {"network": kind, "epochs": options.epochs}
    learner = build_learner("profiles", space, settings, replace(learn("mid"), known=known))
    learner.fit(trials)
    if learner.untrained:
        raise RuntimeError(learner.untrained)
    return lambda tests: {name: one[1:] for name, one in learner.curves([t.point for t in tests]).items()}


def plain(trials: Sequence[Trial], space: Space) -> Predict:
    """Gaussian processes of the leading components of the bins of each array."""
    X, models, means = space.to_unit([t.point for t in trials]), {}, {}
    for name in ARRAYS:
        values = np.array([t.observation.arrays[name].values for t in trials])
        errors = np.array([t.observation.arrays[name].errors for t in trials])
        means[name] = values.mean(axis=0)
        models[name] = PlainCurves.of(X, values - means[name], errors**2, max_fit=150)

    def predict(tests: Sequence[Trial]) -> dict[str, tuple[Any, Any]]:
        U = space.to_unit([t.point for t in tests])
        found = {name: model.curves(U) for name, model in models.items()}
        return {name: (means[name] + mean, np.sqrt(variance)) for name, (mean, variance) in found.items()}

    return predict


def truth(tests: Sequence[Trial]) -> dict[str, tuple[Any, Any]]:
    """Return what the theory says, without noise."""
    grids = [planes.densities(t.point)[:0:-1] for t in tests]  # negative, positive
    return {name: (np.array([g[i] for g in grids]), np.zeros((len(tests), 120))) for i, name in enumerate(ARRAYS)}


def scores(
    found: dict[str, tuple[Any, Any]], tests: Sequence[Trial], space: Space, known: dict[str, Known]
) -> dict[str, Score]:
    """Return the score of each array."""
    problem = Problem.of(ProfileData.of(tests, space), space, known)
    halves = {one.form.name: (one, one.form.size) for one in problem.observed}
    return {name: score(one, *(part[:, :size] for part in found[name])) for name, (one, size) in halves.items()}


def pooled(each: dict[str, Score]) -> dict[str, Any]:
    """Return both species' scores as plain data; those of positive ions are what the paper has."""
    found: dict[str, Any] = {name: float(np.mean([getattr(one, name) for one in each.values()]))
                             for name in ("success", "error", "coverage")}  # fmt: skip
    found["rmse"] = float(np.sqrt(np.mean([one.rmse**2 for one in each.values()])))
    return found | {name: each["positive"].features[name]["success"] for name in FEATURES}


def markdown(results: dict[str, Any]) -> str:
    """Return the tables."""
    lines: list[str] = [f"Measured on {results['day']}; times of the CPU, one thread.", ""]
    head = "| learned from | learner | within the error | contact, mid, peak | RMSE | mean error | in the 95 % band |"
    more = " RMSE from the truth | training | one point | 1000 points |"
    lines += [head + more, "|---" * 11 + "|"]
    for n, kinds in results["theory"].items():
        lines += [f"| {n} of the theory | {LABELS[kind]} | {_scores(one)} {_times(one)}" for kind, one in kinds.items()]
    lines += [
        f"| 65 or 66 of the authors' 82 | {LABELS[kind]} | {_scores(one)} | | {one['training']:.0f} s | | |"
        for kind, one in results["authors"].items()
    ]
    return "\n".join(lines)


def _times(one: dict[str, Any]) -> str:
    if "one_ms" not in one:
        return "| | | | |"
    return (
        f"| {one['true_rmse']:.4f} M | {one['training']:.0f} s | {one['one_ms']:.2f} ms | {one['thousand_ms']:.0f} ms |"
    )


def _scores(one: dict[str, Any]) -> str:
    features = ", ".join(f"{one[name]:.1%}" for name in FEATURES)
    return f"{one['success']:.1%} | {features} | {one['rmse']:.4f} M | {one['error']:.4f} M | {one['coverage']:.1%}"


if __name__ == "__main__":
    main()
