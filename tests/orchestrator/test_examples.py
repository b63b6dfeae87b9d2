"""The examples that `softal init` writes: right as they are, and right in their physics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE

from softal.errors import CampaignStateError, SoftalError
from softal.orchestrator.campaign import Campaign
from softal.simulators.base import Context
from softal.terminal.examples import example_kinds, write_example

KINDS = ["command", "function"]  # that are launched


def test_kinds() -> None:
    assert example_kinds() == ["by_hand", *KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_valid_and_its_middle_can_be_simulated(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "new" / kind
    written = write_example(kind, folder)
    assert written[0] == folder / "campaign.yaml"
    assert sorted(written) == sorted(folder.iterdir())
    campaign = Campaign.from_yaml(written[0])
    assert campaign.check() == []
    workdir = tmp_path / "work"
    workdir.mkdir()
    spec = campaign.spec
    point = spec.space.from_unit([[0.5] * spec.space.dimension])[0]
    observation = spec.built.run(point, Context(workdir, seed=1))
    values, _ = spec.objective.evaluate(observation)
    assert set(values) == set(spec.objective.names)
    assert all(0 < observation.errors[name] < abs(observation.values[name]) for name in values)


def test_scripts_are_executable(tmp_path: Path) -> None:
    written = write_example("command", tmp_path)
    assert [path.name for path in written if os.access(path, os.X_OK)] == ["chain.py"]


def test_it_is_not_written_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "simulation.py").write_text("mine")
    with pytest.raises(CampaignStateError, match=r"simulation\.py"):
        write_example("function", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["simulation.py"]
    assert (tmp_path / "simulation.py").read_text() == "mine"


def test_an_unknown_kind_says_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(SoftalError, match="'lammps' is no kind of example; allowed are by_hand, command, function"):
        write_example("lammps", tmp_path)


def test_a_file_as_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CampaignStateError, match="cannot be written"):
        write_example("function", tmp_path / "file")


def test_that_of_experiments_can_be_asked_and_told(tmp_path: Path) -> None:
    campaign = Campaign.from_yaml(write_example("by_hand", tmp_path)[0], runs=tmp_path / "runs")
    first, *others = campaign.ask(3)
    assert [set(trial.point) for trial in (first, *others)] == [{"polymer", "salt", "cooling"}] * 3
    assert campaign.tell(first, {"turbidity": 0.31, "modulus": 140.0}).objective == {"turbidity": 0.31}


@pytest.mark.parametrize("force", [0.3, 4.0])
def test_a_freely_jointed_chain_in_two_dimensions(force: float, tmp_path: Path) -> None:
    """<cos> = I1(f) / I0(f) for bonds that do not know of each other."""
    from scipy.special import iv

    script = write_example("command", tmp_path)[-1]
    deck = tmp_path / "deck"
    deck.write_text(f"bonds 20\nsweeps 4000\nforce {force}\nstiffness 0\n")
    run = subprocess.run(
        [sys.executable, script, deck, "--seed", "1"], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    from softal.simulators.statistics import mean_and_error

    mean, error = mean_and_error(json.loads(run.stdout.splitlines()[-1])["extension"]["series"])
    assert abs(mean - iv(1, force) / iv(0, force)) < 4 * error
    assert error < 0.02


def test_a_free_particle_diffuses_and_drifts_as_einstein_says(tmp_path: Path) -> None:
    """D = 1 and velocity = force, where there is no barrier."""
    namespace: dict[str, object] = {}
    path = write_example("function", tmp_path)[1]
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    found = namespace["simulate"](force=3.0, barrier=0.0, seed=2)  # type: ignore[operator]
    for name, expected in (("diffusion", 1.0), ("velocity", 3.0)):
        value, error = found[name]
        assert abs(value - expected) < 4 * error
        assert error < 0.1


@pytest.mark.ray
@pytest.mark.parametrize("kind", [pytest.param("command", marks=pytest.mark.long), "function"])
def test_it_can_be_launched(kind: str, tmp_path: Path, ray_address: str) -> None:
    write_example(kind, tmp_path)
    file = tmp_path / "campaign.yaml"
    text = file.read_text()
    few = text.replace("budget: {trials: 20}", "budget: {trials: 8}").replace("{trials: 24}", "{trials: 8}")
    assert few != text
    file.write_text(few)
    run = subprocess.run(
        [sys.executable, "-m", "softal.typer_cli", "launch", "campaign.yaml", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={**os.environ, "RAY_ADDRESS": ray_address},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert (found["state"], found["done"], found["failed"]) == ("finished", 8, 0)
    assert Path(tmp_path, found["report"]).is_file()
