"""The benchmark runs in one go and writes what it says; its figures come from times as they should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import figures

    return figures


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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_run_measures_softal_and_its_peers(tmp_path):
    out, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    command = [sys.executable, str(BENCHMARKS / "overhead.py"), "--json", str(out), "--docs", str(page)]
    command += ["--trials", "20", "--rounds", "1", "--workers", "2", "--sleeps", "6"]
    subprocess.run([*command, "--only", "softal", "ray", "ray_tune", "optuna", "utilisation"], check=True)
    results = json.loads(out.read_text())
    for name in ("softal", "ray", "ray_tune", "optuna"):
        assert results[name]["trials"] == 20
        assert results[name]["ms_per_trial"] > 0
        assert results[name]["growth"] > 0
    softal, busy = results["softal"], results["utilisation"]
    assert (softal["failed"], softal["mlflow_runs"]) == (0, 20)
    assert {"gap_ms_median", "rss_mb_start", "rss_mb_end", "mlflow_catch_up_s"} <= softal.keys()
    assert results["ray"]["ms_per_trial_all_at_once"] > 0
    assert (busy["trials"], busy["most_at_once"], busy["simulation_s_median"]) == (6, 2, pytest.approx(1, abs=0.2))
    assert 0 < busy["share"] <= 1
    assert busy["sandboxes"] == 2
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| softal | 20 |" in text
