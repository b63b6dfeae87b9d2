"""Five kinds of files that softal reads: good ones, how they are damaged, and how commands read them."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import damage
import numpy as np

from softal.trial import Array, Observation, Trial, TrialState

HERE = Path(__file__).resolve().parent
SPACE = {
    "x": {"low": 0.0, "high": 1.0},
    "n": {"low": 1, "high": 9, "integer": True},
    "lattice": {"choices": ["fcc", "bcc", True, 3]},
    "mass": {"value": 39.948},
    "z": {"derived": "x / 2"},
}
CAMPAIGN = """\
name: small
simulator: mod:simulate
space:
  x: {low: 0, high: 1, unit: nm}
  n: {low: 1, high: 9, integer: true, log: true}
  k: {low: 0.1, high: 10, log: true}
  lattice: {choices: [fcc, bcc, hcp]}
  mass: 39.948
  z: {derived: "-x / 2 + sqrt(mass)"}
constraints: ["2*x + 0.5 <= 2"]
objective: {minimize: f, subject_to: ["g <= 5"]}
strategy: {kind: bayesian}
surrogate: {kind: gp, max_fit: 100}
budget: {trials: 10, hours: 1.5}
workers: {concurrent: 2, cpus: 1, gpus: 0, memory: 2 GiB, walltime: 10 min, freshness: latest}
tracking: {mlflow: "off", experiment: test}
cluster: {address: null}
seed: 1
"""
MATCH = """\
simulator: {command: "./run.sh {x} {y:.3f}", templates: [deck.in], arrays: {g: g.csv}, values: [f],
  artifacts: ["*.txt"], environment: {A: "{x}"}, shell: false, results: r.json}
space: {x: {low: 0, high: 1}, y: {low: 0, high: 1}}
objective:
  match:
    g: {reference: curve.csv, range: [0.2, 2.0], weight: 2, tolerance: 0.1}
    f: {target: 1.0, tolerance: 0.1}
strategy: {kind: cmaes, popsize: 8}
budget: {trials: 10, failures: null}
"""
ALIASES = """\
simulator: {kind: "mod:simulate"}
space: &s {x: &r {low: 0, high: 1}, y: *r, w: [&a [1], *a]}
objective: {maximize: f}
strategy: {kind: table, file: points.csv}
learner: none
budget: {trials: 3}
"""
MODULES = {
    "mod": "def simulate(point):\n    return {'f': point.get('x', 0.0)}\n",
    "boom": "raise SystemExit(3)\n",
    "boom2": "raise GeneratorExit('no')\n",
    "boom3": "class Odd(BaseException):\n    pass\n\n\nraise Odd('no')\n",
}
CSV = "# units: angstrom, 1\nr,g_AA,g_AA_error\n" + "".join(
    f"{r:.3f},{1 + r:.4f},0.01\n" for r in np.linspace(0, 3, 40)
)
COLUMNS = "r g(r)\n" + "".join(f"{r:.3f}\t{1 + r * r:.4e}\n" for r in np.linspace(0.1, 3, 40))
XVG = '# made by\n@    xaxis  label "r (nm)"\n@ yaxis label "g(r)"\n@ s0 legend "O-O"\n' + "".join(
    f"{r:.3f} {1 + r:.4f}\n" for r in np.linspace(0, 3, 40)
)
POINTS = "x,n,lattice,note\n# chosen\n" + "".join(
    f"{x:.3f},{1 + i % 9},{('fcc', 'true', '3')[i % 3]},a\n" for i, x in enumerate(np.linspace(0, 1, 12))
)
POINTS_JSON = """\
[{"x": 0.1, "n": 2, "lattice": "fcc"},
 {"point": {"x": 0.5, "n": 3, "lattice": true}},
 {"x": 1, "n": 9, "lattice": 3}]
"""
JOURNAL = """\
simulator: mod:simulate
space: {x: {low: 0, high: 1}, lattice: {choices: [fcc, bcc]}}
objective: {minimize: f}
budget: {trials: 10}
"""
INFO = {
    "id": "a" * 32, "name": "small", "created": 1e9, "seed": 0, "state": "finished", "reason": "the budget is used up",
    "active": 3.0, "budget": {"trials": 12}, "versions": {"numpy": "2"}, "machine": {"cpu": "x"},
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of files.

    Attributes:
        make: writes good ones into a folder.
        spoil: makes a damaged one in a folder, of the good ones in another.
        read: reads it as commands do; raises what they would raise.
    """

    make: Callable[[Path], None]
    spoil: Callable[[Path, Path, random.Random], None]
    read: Callable[[Path, random.Random], None]


def command(*words: object) -> None:
    """Run a command of softal within this process; errors that it does not know come out, those it says are raised."""
    from softal import typer_cli
    from softal.errors import SoftalError

    sys.argv = ["softal", *map(str, words)]
    said = io.StringIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")), contextlib.redirect_stderr(said):
        try:
            typer_cli.main()
        except SystemExit as ended:
            if ended.code not in (0, 1, 2, None):
                raise AssertionError(f"softal {words[0]} ended with {ended.code}") from None
            if ended.code:
                raise SoftalError(said.getvalue()) from None


# Campaign files.


def make_campaigns(folder: Path) -> None:
    texts = {"small": CAMPAIGN, "match": MATCH, "aliases": ALIASES}
    shipped = ("argon", "memory_modes", "supercooled")
    texts |= {name: (HERE.parent / "campaigns" / f"{name}.yaml").read_text() for name in shipped}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    shutil.copytree(HERE.parent / "campaigns" / "data", folder / "data")
    (folder / "curve.csv").write_text(CSV)
    (folder / "points.csv").write_text("x,y\n0.5,0.5\n")
    (folder / "deck.in").write_text("x = {{x}}\n")


def spoil_campaign(good: Path, folder: Path, rng: random.Random) -> None:
    if not (folder / "mod.py").exists():
        shutil.copytree(good, folder, dirs_exist_ok=True)
    text = rng.choice(sorted(good.glob("*.yaml"))).read_text()
    (folder / "campaign.yaml").write_bytes(damage.yaml_text(text, rng))


def read_campaign(folder: Path, rng: random.Random) -> None:
    command("validate", folder / "campaign.yaml")


# References.

LAMMPS = Path(__file__).parent / "data" / "lammps"


def make_references(folder: Path) -> None:
    r = np.linspace(0.0, 3.0, 40)
    (folder / "a.csv").write_text(CSV)
    (folder / "b.dat").write_text(COLUMNS)
    (folder / "b.txt").write_text("# " + COLUMNS)
    (folder / "a.txt").write_text("r;g_AA\n" + COLUMNS.partition("\n")[2].replace("\t", ";").replace(".", ","))
    (folder / "c.xvg").write_text(XVG)
    np.save(folder / "d.npy", np.column_stack([r, 1 + r]))
    np.savez(folder / "e.npz", r=r, g_AA=1 + r, error=0 * r + 0.1)
    np.savez_compressed(folder / "f.npz", np.column_stack([r, 1 + r]))
    for name in ("rdf.dat", "log.lammps"):
        (folder / name).write_bytes((LAMMPS / name).read_bytes())
    (folder / "g.gz").write_bytes(gzip.compress(COLUMNS.encode()))


def spoil_reference(good: Path, folder: Path, rng: random.Random) -> None:
    file = rng.choice(sorted(good.iterdir()))
    how = {".npy": damage.npy, ".npz": damage.npz, ".gz": damage.octets}.get(file.suffix, damage.plain_text)
    for old in folder.glob("reference.*"):
        old.unlink()
    (folder / f"reference{file.suffix}").write_bytes(how(file.read_bytes(), rng))


def read_reference(folder: Path, rng: random.Random) -> None:
    from softal.references import load_reference
    from softal.trial import Array

    (path,) = folder.glob("reference.*")
    found = load_reference("g_AA", path, columns=rng.choice((None, None, (0, 1), ("r", "g_AA"))))
    assert found.grid.dtype == found.values.dtype == np.float64
    assert np.isfinite(found.grid).all()
    assert np.isfinite(found.values).all()
    assert found.grid.shape == found.values.shape == (len(found.grid),)
    found.compare(Array.of(np.ones(50), None, np.linspace(found.grid[0], found.grid[-1], 50)))


# Tables of points.


def make_tables(folder: Path) -> None:
    (folder / "points.csv").write_text(POINTS)
    (folder / "points.json").write_text(POINTS_JSON)


def spoil_table(good: Path, folder: Path, rng: random.Random) -> None:
    file = rng.choice(sorted(good.iterdir()))
    content = file.read_bytes()
    spoiled = damage.json_text(content.decode(), rng) if file.suffix == ".json" else damage.plain_text(content, rng)
    (folder / "table").write_bytes(spoiled)


def read_table(folder: Path, rng: random.Random) -> None:
    from softal.errors import SpaceError
    from softal.objective import minimize
    from softal.orchestrator.points import read_points
    from softal.space import Space
    from softal.strategies.table import Table, TableSettings

    space, file = Space(SPACE), folder / "table"
    if rng.random() < 0.5:
        for point in read_points(space, [], file):
            assert space.complete(point) == point
        return
    settings = TableSettings(file=file)
    said = Table.supports(space, minimize("f"), settings)
    if said is not None:
        raise SpaceError(said)
    for proposal in Table(space, minimize("f"), 0, settings).ask(20, []):
        assert space.complete(proposal.point) == proposal.point


# Saved surrogates and learners.


def make_models(folder: Path) -> None:
    from dataclasses import replace

    import bragg
    import liquids
    import packings
    import planes
    import soft_shells
    import thermal_crystals

    from softal.objective import learn
    from softal.simulators.kob_andersen.kob_andersen import FLAWS
    from softal.space import Space
    from softal.surrogates import build, build_learner
    from softal.testing.surrogates import MATCH, SPACE, TARGETS, trials

    for kind, settings, objective in (
        ("gp", {}, None),
        ("ensemble", {"members": 2, "width": 8, "steps": 10}, None),
        ("composite", {}, MATCH),
    ):
        surrogate = build(kind, Space(SPACE), TARGETS, settings, objective)
        surrogate.fit(trials(12))
        surrogate.save(folder / kind)
    slits = planes.slits(12)
    small = {"members": 2, "folds": 2, "fold_members": 1, "width": 8, "steps": 10, "epochs": 2}
    for network in ("ensemble", "paper", "gaussian_process"):
        learner = build_learner(
            "profiles", Space(planes.SPACE), {"network": network, **small}, replace(learn("mid"), known=planes.KNOWN)
        )
        learner.fit(slits)
        learner.save(folder / f"profiles_{network}")
    crystals = bragg.crystals(18)
    labels = bragg.write_labels(folder.parent / "labels.csv", crystals)
    learner = build_learner("phase_classifier", Space(bragg.CRYSTALS), {"labels": labels, "epochs": 2})
    learner.fit(crystals)
    learner.save(folder / "phase_classifier")
    states = {
        "T": {"low": 0.4, "high": 6.0},
        "rho": {"low": 1.1, "high": 1.6},
        "interaction": {"choices": ["LJ", "WCA"]},
    }
    network = {name: small[name] for name in ("members", "folds", "fold_members", "width", "steps")}
    learner = build_learner("dynamics_network", Space(states), network, replace(learn("relaxation_A"), flaws=FLAWS))
    learner.fit(liquids.liquids(8))
    learner.save(folder / "dynamics_network")
    learner = build_learner("symmetry_potential", Space(soft_shells.SPACE), {"functions": 4})
    learner.fit(soft_shells.crystals(5))
    learner.save(folder / "symmetry_potential")
    learner = build_learner("particle_phases", Space(thermal_crystals.SPACE), {"environments": 50})
    learner.fit(thermal_crystals.crystals(8))
    learner.save(folder / "particle_phases")
    brief = {"steps": 20, "bottlenecks": 4, "most_components": 3, "restarts": 1, "refits": 0}
    learner = build_learner("environments", Space(packings.SPACE), brief)
    learner.fit(packings.packings(3, shape=(3, 3, 3)))
    learner.save(folder / "environments")
    shutil.copytree(HERE / "data" / "first_version" / "campaign" / "surrogate" / "latest", folder / "first_version")
    shutil.copytree(HERE / "data" / "first_version_network", folder / "first_version_network")


def spoil_model(good: Path, folder: Path, rng: random.Random) -> None:
    shutil.rmtree(folder / "model", ignore_errors=True)
    shutil.copytree(rng.choice(sorted(good.iterdir())), folder / "model")
    for name, how in rng.choice(
        (
            (("model.json", None),),
            (("model.safetensors", damage.safetensors),),
            (("model.json", None), ("model.safetensors", damage.safetensors)),
        )
    ):
        path = folder / "model" / name
        content = path.read_bytes()
        path.write_bytes(damage.json_text(content.decode(), rng) if how is None else how(content, rng))
    if rng.random() < 0.7:  # as if it had been saved so, or by the first version
        path = folder / "model" / "model.json"
        path.write_bytes(re.sub(rb'"checksum": *\d+', b'"noted": 1', path.read_bytes()))


def read_model(folder: Path, rng: random.Random) -> None:
    from softal.surrogates import LEARNERS, Surrogate, load, load_learner, read_description

    kind = read_description(folder / "model").get("kind")
    learner = (load_learner if isinstance(kind, str) and kind in LEARNERS else load)(folder / "model")
    learner.metrics()
    learner.tables()
    space = learner.space
    assert space.dimension < 100
    points = space.from_unit(space.sample(2, np.random.default_rng(0)))
    if isinstance(learner, Surrogate):
        posterior = learner.posterior(space.to_unit(points))
        assert posterior.mean.shape == posterior.variance.shape == (2, len(learner.targets))
        assert np.isfinite(posterior.mean).all()
        assert np.isfinite(posterior.variance).all()
        learner.diagnostics()
        learner.sample(space.to_unit(points), 2, np.random.default_rng(0))
        return
    if learner.untrained is None and not any(learner.refuses(point) for point in points):
        for grid, mean, std in learner.predict_arrays(points).values():
            assert mean.shape == std.shape == (2, len(grid))


# Journals.


def make_journals(folder: Path) -> None:
    from softal.tracking.journal import Journal

    source = folder / "source"
    source.mkdir()
    (source / "mod.py").write_text(MODULES["mod"])
    places = {"source": str(source), "launched_in": str(source)}
    with Journal.create(folder / "run", JOURNAL, INFO | places) as journal:
        for i in range(12):
            journal.write([_trial(i)])
        journal.add_version({"version": 1, "of": "surrogate", "trials": 5, "rmse": {"f": 0.1}, "time": 1e9})
    (folder / "run" / "campaign.yaml").write_text(JOURNAL)


def _trial(i: int) -> Trial:
    state = (TrialState.DONE, TrialState.DONE, TrialState.DONE, TrialState.FAILED, TrialState.PROPOSED)[i % 5]
    point, times = {"x": i / 12, "lattice": ("fcc", "bcc")[i % 2]}, {"proposed": 1e9 + i, "started": 1e9 + i}
    if state.finished:
        times["finished"] = 1e9 + i + (0.01 if i % 2 else 5.0)  # its arrays are in the database, or in a file
    more = {"proposed_by": "cmaes", "notes": {"generation": i // 5, "run": 0}, "host": "node", "attempts": 1, **times}
    if state is not TrialState.DONE:
        return Trial(i, point, state=state, reason="it failed" if state is TrialState.FAILED else None, **more)
    arrays = {"g": Array.of([1.0, 2.0, float(i)], [0.1, 0.2, 0.1], [0.5, 1.0, 2.0], unit="", grid_unit="nm")}
    seen = Observation({"f": i / 3}, {"f": 0.1}, arrays, {"log": Path("log.txt")})
    scores = {"objective": {"f": i / 3}, "objective_errors": {"f": 0.1}}
    return Trial(i, point, state=state, observation=seen, **scores, **more)


def spoil_journal(good: Path, folder: Path, rng: random.Random) -> None:
    shutil.rmtree(folder / "run", ignore_errors=True)
    shutil.copytree(good / "run", folder / "run")
    if rng.random() < 0.15:
        path = rng.choice(sorted((folder / "run").rglob("*.npz")))
        path.write_bytes(damage.npz(path.read_bytes(), rng))
    elif rng.random() < 0.1:
        path = folder / "run" / rng.choice(("lock", "campaign.yaml", "journal.sqlite-wal", "journal.sqlite-shm"))
        path.write_bytes(rng.choice((b"", b"\x00\xff", b"process x\n", rng.randbytes(5000))))
    else:
        damage.sqlite(folder / "run" / "journal.sqlite", rng)


def read_journal(folder: Path, rng: random.Random) -> None:
    from softal.orchestrator.campaign import Campaign
    from softal.tracking.journal import Journal
    from softal.trial import TrialState

    run = folder / "run"
    match rng.randrange(6):
        case 0:
            command("status", run, "--json")
        case 1:
            command("trials", run)
        case 2:
            command("trials", run, "--json", "--failed")
        case 3:
            command("best", run, *rng.choice(((), ("--json",))))
        case 4:
            campaign = Campaign.open(run)
            campaign.best, campaign.trials, campaign.versions, campaign.pareto_front  # noqa: B018
        case _:
            with Journal.open(run, read_only=False) as journal:
                trials = journal.trials(arrays=True)
                journal.points(trial.id for trial in trials)
                journal.write(trials)
                journal.changes(0), journal.counts(), journal.latest(TrialState.DONE, 3)
                journal.set_info(state="running")


KINDS = {
    "campaigns": Kind(make_campaigns, spoil_campaign, read_campaign),
    "references": Kind(make_references, spoil_reference, read_reference),
    "tables": Kind(make_tables, spoil_table, read_table),
    "models": Kind(make_models, spoil_model, read_model),
    "journals": Kind(make_journals, spoil_journal, read_journal),
}
