"""Every built-in simulator keeps the contract."""

from __future__ import annotations

import sys

import pytest

from softal.testing.simulators import Candidate, SimulatorContract

pytestmark = pytest.mark.physics


class TestArgon(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        short = {"engine": "lammps", "particles": 500, "melting": 0.5, "equilibration": 0.5, "sampling": 2.0}
        return Candidate("argon", short, {"epsilon": 120.0, "sigma": 3.4})


class TestSilica(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        short = {"engine": "lammps", "particles": 375, "equilibration": 0.3, "sampling": 0.3, "sample_every": 0.02}
        return Candidate("silica", {**short, "potential": "ML"}, {"q_Si": 1.95, "C_OO": 80.0})


class TestKobAndersen(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        short = {"engine": "lammps", "particles": 200, "t_max": 1.0, "longest_run": 20.0}
        return Candidate("kob_andersen", short, {"T": 3.0, "interaction": "WCA"})


class TestConfinedIons(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        short = {"side": 5.0, "sampling": 10.0, "longest_equilibration": 10.0}
        return Candidate("confined_ions", short, {"h": 2.5, "c": 0.6, "d": 0.5, "surface_charge": -0.02})


class TestCommand(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        program = "import json, sys; print(json.dumps({'f': {'value': float(sys.argv[1]) ** 2, 'error': 0.1}}))"
        settings = {"command": [sys.executable, "-c", program, "{x}"], "values": ["f"]}
        return Candidate("command", settings, {"x": 3.0})


def noisy(x: float) -> dict[str, float]:
    import numpy as np

    return {"f": x + np.random.normal()}  # noqa: NPY002


class TestFunction(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate(f"{__name__}:noisy", {}, {"x": 3.0})
