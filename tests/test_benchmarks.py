"""The benchmark runs in one go and writes what it says; its figures come from times as they should."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from patience import PATIENCE

from softal.errors import SimulationError
from softal.simulators.base import Context
from softal.trial import Trial, TrialState

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("figures")


@pytest.fixture
def benchmark(monkeypatch):
    """A module of the benchmarks, by name; torch has one thread, as in the benchmark's processes."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield import_module
    torch.set_num_threads(threads)


def test_gaps_lie_between_an_end_and_the_start_that_follows_it_on_that_worker(figures):
    # Two workers, whose pauses are 0.5 s and 0.25 s.
    times = [(1.5 * i, 1.5 * i + 1) for i in range(4)] + [(0.25 + 1.25 * i, 1.25 + 1.25 * i) for i in range(4)]
    assert figures.most_at_once(times) == 2
    assert sum(figures.gaps(times)) == pytest.approx(3 * 0.5 + 3 * 0.25)


def test_share_of_one_worker_with_pauses(figures):
    times = [(10 + 1.25 * i, 11 + 1.25 * i) for i in range(5)]
    found = figures.utilisation(times, [7] * 5, workers=1, launched=8.0)
    assert found["share"] == pytest.approx(0.8)
    assert found["share_from_first_trial"] == pytest.approx(5 / 6)
    assert found["share_from_launch"] == pytest.approx(5 / 8)
    assert (found["start_up_s"], found["measured_s"], found["most_at_once"]) == (2, 5, 1)


def test_growth_is_the_last_tenth_over_the_second(figures):
    steady = [(i, i + 1) for i in range(100)]
    slower = [(i * i, (i + 1) ** 2) for i in range(100)]
    assert figures.per_trial(steady) == {"ms_per_trial": 1000, "trials": 100, "growth": 1}
    assert figures.per_trial(slower)["growth"] == pytest.approx((100**2 - 90**2) / (20**2 - 10**2))


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "peers", [("ray", "optuna"), pytest.param(("ray_tune", "batched"), marks=pytest.mark.exhaustive)], ids="-".join
)
def test_one_run_measures_softal_and_its_peers(tmp_path, peers):
    out, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    command = [sys.executable, str(BENCHMARKS / "overhead.py"), "--json", str(out), "--docs", str(page)]
    command += ["--trials", "20", "--rounds", "1", "--workers", "2", "--sleeps", "6", "--batched-trials", "100"]
    subprocess.run([*command, "--only", "softal", *peers, "in_process", "utilisation"], check=True)
    results = json.loads(out.read_text())
    for name in {"softal", *peers} - {"batched"}:
        assert results[name]["trials"] == 20
        assert results[name]["ms_per_trial"] > 0
        assert results[name]["growth"] > 0
    assert results["in_process"]["trials"] == 100
    assert "batched" not in peers or results["batched"]["mlflow_runs"] == 100
    softal, busy = results["softal"], results["utilisation"]
    assert (softal["failed"], softal["mlflow_runs"]) == (0, 20)
    assert {"gap_ms_median", "rss_mb_start", "rss_mb_end", "mlflow_catch_up_s"} <= softal.keys()
    assert "ray" not in peers or results["ray"]["ms_per_trial_all_at_once"] > 0
    assert (busy["trials"], busy["most_at_once"], busy["simulation_s_median"]) == (6, 2, pytest.approx(1, abs=0.2))
    assert 0 < busy["share"] <= 1
    assert busy["sandboxes"] == 2
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| softal | 20 |" in text


@pytest.mark.parametrize("name", ["spill", "rosenbrock", "liquid"])
def test_problems_cost_nothing_at_their_optimum_but_for_noise(benchmark, tmp_path, name):
    one = benchmark("problems").problem(name)
    observation = one.simulator.run(dict(one.optimum), Context(tmp_path, seed=1))
    values, errors = one.objective.evaluate(observation)
    noise = one.simulator.noise()
    relative = noise * np.sqrt(len(one.simulator.grid())) / np.linalg.norm(one.simulator.target().values)
    assert values["R"] == pytest.approx(relative, rel=0.3, abs=1e-12)
    assert errors["R"] < 0.3 * relative or noise == 0
    middle = {parameter: (low + high) / 2 for parameter, (low, high) in one.bounds.items()}
    elsewhere, _ = one.objective.evaluate(one.simulator.run(middle, Context(tmp_path, seed=1)))
    assert elsewhere["R"] > 10 * values["R"] + 0.05, "some methods start in the middle"


def test_rosenbrock_is_the_published_function(benchmark, tmp_path):
    one = benchmark("problems").problem("rosenbrock")
    x = np.array([0.3, -1.2, 0.7, 1.9, -0.4])
    f = np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (x[:-1] - 1) ** 2)
    observation = one.simulator.run({f"x{j + 1}": v for j, v in enumerate(x)}, Context(tmp_path, seed=0))
    assert one.objective.evaluate(observation)[0]["R"] == pytest.approx(np.sqrt(f) / 2)


def test_g_of_a_thin_gas_is_its_boltzmann_factor_and_no_liquid_is_found_where_it_boils(benchmark):
    theory = benchmark("liquid_theory")
    r = theory.distances()
    beta_u = theory.double_yukawa(r, sigma=1.0, n=12.0, attraction=1.0, kappa_a=2.0, repulsion=0.2, kappa_r=1.0)
    thin = theory.pair_correlation(beta_u, 1e-4)
    np.testing.assert_allclose(thin, np.exp(-np.minimum(beta_u, 1e4)), rtol=2e-3, atol=1e-9)
    # S(0) = 1 + 4 pi rho int r^2 h dr = 1 / (1 - rho c(0)) is compressible but finite in a liquid.
    g_r = theory.pair_correlation(beta_u, 0.5)
    assert 0 < 1 + 4 * np.pi * 0.5 * np.sum(r**2 * (g_r - 1)) * theory.SPACING < 10
    with pytest.raises(SimulationError, match="no solution"):
        theory.pair_correlation(5 * np.where(beta_u < 0, beta_u, 0) + np.where(beta_u > 0, beta_u, 0), 0.3)


METHODS = ("random", "sobol", "cmaes", "gp_ei", "tpe", "optuna_gp", "ax", "bayesian", "composite")


@pytest.mark.learning
@pytest.mark.parametrize("method", METHODS)
def test_methods_keep_to_the_bounds_and_survive_failures(benchmark, method):
    peers, one = benchmark("peers"), benchmark("problems").problem("spill")
    made = [peers.METHODS[method].make(one, 3) for _ in range(2)]
    for number in range(7 if method == "ax" else 13):  # beyond what each begins with
        points = [each.ask() for each in made]
        assert points[0] == points[1], "the same seed, told the same, proposes the same"
        assert points[0].keys() == one.bounds.keys()
        assert all(low <= points[0][name] <= high for name, (low, high) in one.bounds.items())
        trial = _trial(one, points[0], number)
        for each in made:
            each.tell(replace(trial, state=TrialState.FAILED, objective={}, observation=None) if number < 2 else trial)


def _trial(one, point, number):
    observation = one.simulator.run(point, Context(Path(), seed=number))
    values, errors = one.objective.evaluate(observation)
    return Trial(number, point, state=TrialState.DONE, observation=observation, objective=values,
                 objective_errors=errors)  # fmt: skip


@pytest.mark.learning
def test_the_scalar_gp_knows_a_failure_as_the_worst_cost_so_far(benchmark):
    peers, one = benchmark("peers"), benchmark("problems").problem("spill")
    method = peers.ScalarGP(one, 0)
    for number, cost in enumerate((0.3, 0.1, None)):
        state = TrialState.FAILED if cost is None else TrialState.DONE
        method.tell(Trial(number, method.ask(), state=state, objective={} if cost is None else {"R": cost}))
    assert method._y == [0.3, 0.1, 0.3]


@pytest.mark.learning
@pytest.mark.parametrize("method", ["cmaes", "tpe", "composite"])
def test_a_chain_that_was_killed_goes_on_as_if_it_had_not_been(benchmark, tmp_path, method):
    chains = benchmark("chains")
    whole, cut = (chains.Chain("spill", method, 1, 12), tmp_path / "whole"), tmp_path / "cut"
    chains.run(*whole)
    path = chains.Chain("spill", method, 1, 12).path(cut)
    path.parent.mkdir(parents=True)
    lines = whole[0].path(whole[1]).read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:10]) + lines[10][:15])  # killed while it wrote
    chains.run(chains.Chain("spill", method, 1, 12), cut)
    once, twice = (chains.read(chains.Chain("spill", method, 1, 12).path(folder)) for folder in (whole[1], cut))
    assert [line["point"] for line in twice] == [line["point"] for line in once]
    assert [line["R"] for line in twice] == [line["R"] for line in once]
    other = json.loads(lines[3])
    other["point"]["M"] += 0.1
    path.write_bytes(b"".join(lines[:3]) + json.dumps(other).encode() + b"\n")
    with pytest.raises(chains.Diverged, match=r"line 4: M = "):
        chains.run(chains.Chain("spill", method, 1, 12), cut)
    path.write_bytes(lines[0].replace(chains.problem("spill").fingerprint().encode(), b"00000000"))
    with pytest.raises(chains.Diverged, match="another problem"):
        chains.run(chains.Chain("spill", method, 1, 12), cut)
    chains._sandbox("spill").close()


def test_tables_count_evaluations_to_a_cost(benchmark, tmp_path):
    figures = benchmark("efficiency_figures")
    curves = {
        "gp_ei": [[0.5, 0.2, 0.1, 0.1], [0.5, 0.5, 0.1, 0.05], [None, 0.4, 0.3, 0.1]],
        "composite": [[0.02, 0.02], [0.4, 0.03], [0.4, 0.2, 0.01], [0.01]],
    }
    for method, seeds in curves.items():
        for seed, costs in enumerate(seeds):
            path = tmp_path / "spill" / f"{method}-{seed}.jsonl"
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(json.dumps({"R": cost, "ask_s": 0.5, "seconds": 2}) + "\n" for cost in costs))
    results = figures.load(tmp_path, ["liquid", "spill"], ["gp_ei"])
    results["spill"] |= figures.load(tmp_path, ["spill"], ["composite"], budget=2)["spill"]
    paper, own = results["spill"]["gp_ei"], results["spill"]["composite"]
    assert list(results) == ["spill"]
    np.testing.assert_array_equal(paper.best[2], [np.inf, 0.4, 0.3, 0.1])
    np.testing.assert_array_equal(paper.needed(0.1), [3, 3, 4])
    np.testing.assert_array_equal(own.needed(0.1), [1, 2, np.inf])
    np.testing.assert_array_equal(paper.band()[1], [0.5, 0.4, 0.1, 0.1])
    assert paper.failed == pytest.approx(1 / 12)
    machine = {"versions": {}, "date": "", "cores": 1, "cpu": "", "python": "", "load_before": 0.0}
    text = figures.markdown(results, machine)
    assert "| Chemical spill | 4 | 0.1 | 3 [3, 4] | 2 [1, >2] | 1.5 |" in text
    assert "| scalar GP, EI | 3 | not in 4 |" in text
    assert "| 8% | 0.5 |" in text
    figures.plot(results, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_the_plan_goes_seed_by_seed_and_counts_what_is_there(benchmark, tmp_path):
    run = benchmark("sample_efficiency")
    planned = run.plan(["spill", "rosenbrock"], ["random", "gp_ei"], seeds=2, budget=30)
    assert [chain.seed for chain in planned] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert planned[0].method == "gp_ei"
    planned[0].path(tmp_path).parent.mkdir()
    planned[0].path(tmp_path).write_text('{"R": 1}\n' * 7)
    assert f"{planned[0].problem}: 4 chains, 7 of 120 evaluations there" in run.describe(planned, tmp_path, 2)


@pytest.mark.long
@pytest.mark.physics
def test_monte_carlo_is_measured_in_each_engine_that_is_there(benchmark, tmp_path, monkeypatch, capsys):
    run = benchmark("monte_carlo")
    out = tmp_path / "moves.json"
    monkeypatch.setattr(run, "EQUILIBRATION", 500)
    monkeypatch.setattr(run, "TUNING", 100)
    options = ["--rounds", "2", "--seconds", "0.005", "--fluid-seconds", "0.02", "--copies", "1", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", ["monte_carlo.py", *options])
    run.main()
    results, both = json.loads(out.read_text()), run.hpmc.available()
    engines = {"softal", "hoomd"} if both else {"softal"}
    assert len(results["moves"]) == 6
    for one in results["moves"].values():
        assert one.keys() == engines | ({"ratio", "lowest_ratio"} if both else set())
        assert all(rate > 0 for rate in one.values())
    assert results["decorrelated"].keys() == engines
    for one in results["decorrelated"].values():
        assert one["configurations_per_s"] == pytest.approx(one["sweeps_per_s"] / (2 * one["tau_sweeps"]))
        assert 1 < one["energy"] < 3
    said = capsys.readouterr().out
    assert ("is missing here; softal alone is measured" in said) is not both
    assert all(f"| {name} |" in said for name in ("hard rods, 432, NVT", "hard spheres, 1000, NPT"))


def test_copies_side_by_side_are_the_same_system_but_larger(benchmark):
    run = benchmark("monte_carlo")
    one = run.starts.fluid(36, 0.7, seed=0)
    four = run.tiled(one, 2)
    assert four.density == pytest.approx(one.density)
    assert np.all((four.positions >= 0) & (four.positions < four.box))
    energy = [run.Disks(c, run.SHOULDER, 0.5).energy for c in (one, four)]
    assert energy[1] == pytest.approx(4 * energy[0])


def test_a_look_at_a_large_campaign_says_time_and_memory(benchmark, tmp_path):
    large = benchmark("large")
    folder = large.make_journal(tmp_path, 2500)
    ask = "import json, pathlib, sys, large; print(json.dumps(large.look('status', pathlib.Path(sys.argv[1]))))"
    # From a small process: what this one holds would count.
    asked = [sys.executable, "-c", ask, str(folder)]
    said = subprocess.run(
        asked, cwd=Path(large.__file__).parent, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    found = json.loads(said.stdout)
    assert 0 < found["cpu_s"] < 100
    assert 20 < found["mb"] < 1000
    with pytest.raises(SystemExit, match=r"best of .* failed with exit code 2"):
        large.look("best", tmp_path / "elsewhere")
    looks = {what: {"few": found, "many": found, "campaign": found} for what in large.LOOKS}
    campaign = {"at": {"2500": {"driver": 100.0}}, "peak": {"driver": 120.0}, "load_before": 1.0, "seconds": 60.0}
    results = {"machine": large.overhead.machine(), "trials": 2500, "looks": looks, "campaign": campaign}
    table = large.markdown(results | {"load_after": 2.0})
    assert "| driver | 100 MB | 120 MB |" in table
    assert "**0.0 s**" in table


def test_the_authors_profiles_of_ions_and_how_others_are_compared_with_them(benchmark):
    """A profile that is the authors' has scores 0; one that is twice their error above has 2 and less, by ours."""
    ions = benchmark("confined_ions_reference")
    systems = ions.references()
    assert len(systems) == 24
    assert {one.point["c"] for one in systems} >= {0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0}
    for one in systems:
        h, volume = one.point["h"], 0.6022 * (225 if one.point["c"] <= 0.5 else 100)
        counted = {kind: 2 * one.density[kind].sum() * ions.WIDTH * volume for kind in "pn"}
        salt = int(one.point["c"] * volume * h)
        assert counted["n"] == pytest.approx(salt, abs=0.2)
        counter = 2 * abs(one.point["surface_charge"]) / 0.1602176634 * volume / 0.6022
        assert counted["p"] - counted["n"] == pytest.approx(int(counter), abs=0.2)
    one, n = systems[0], 4000
    z = (np.arange(n) + 0.5) * one.point["h"] / 2 / n - one.point["h"] / 2
    bins = np.floor((z - one.z[0]) / ions.WIDTH + 0.5).astype(int)
    run = {"sampling": 100.0, "gain": 4.0}
    for kind in "pn":
        inside = (bins >= 0) & (bins < len(one.z))
        at = np.clip(bins, 0, len(one.z) - 1)
        run[f"density_{kind}"] = np.where(inside, one.density[kind][at] + 2 * one.error[kind][at], 0.0)
        run[f"error_{kind}"] = np.where(inside, one.error[kind][at], 0.0)
    found = ions.compare(one, run)
    for kind in "pn":
        assert found.scores[kind] == pytest.approx(np.full(len(found.scores[kind]), np.sqrt(2)), rel=0.05)
    assert "| 4 | 0.1 | -0.01 | 0%, 100% |" in ions.table([found])


def test_a_liquid_has_the_density_at_which_its_pressure_rises_to_the_gas(benchmark):
    liquid = benchmark("depletion_liquid")
    eta = np.linspace(0.40, 0.48, 6)
    pressure, errors = 0.03 + 8 * (eta - 0.45) + 50 * (eta - 0.45) ** 2, np.full(6, 0.04)
    found, error = liquid.crossing(eta, pressure, errors, (0.03, 0.001))
    assert found == pytest.approx(0.45, abs=1e-9)
    assert error == pytest.approx(0.04 / 8 / 2, rel=0.5)
    assert liquid.crossing(eta, 0.03 + 8 * (eta - 0.45), errors, (0.03, 0.001))[0] == pytest.approx(0.45)
