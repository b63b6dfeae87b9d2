"""A campaign that has every section, the files that it names, and what is done to it to see what is said of that."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from softal.errors import CampaignFileError, Problem
from softal.orchestrator.campaign_file.schema import CampaignSpec, load_campaign_file, parse_campaign

# The same examples in every run, however busy the machine is.
CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

TOY = """
from collections.abc import Mapping
from typing import Annotated, Literal
from pydantic import BaseModel, ConfigDict, Field, model_validator
from softal.outputs import Known
from softal.simulators import Outputs, Simulator
from softal.strategies import Strategy
from softal.trial import Observation


class ToySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    particles: int = Field(10, gt=0, description="number of particles")
    ensemble: Literal["nvt", "npt"] = "nvt"
    masses: tuple[float, ...] | None = None
    explode: bool = False

    @model_validator(mode="after")
    def _explodes(self):
        if self.explode:
            raise RuntimeError("settings exploded")
        return self


class Toy(Simulator):
    Settings = ToySettings
    parameters = {"x": "nm (position)", "y": "", "z": ""}
    defaults = {"z": 0.0}
    outputs = Outputs(
        values=frozenset({"energy", "pressure"}), arrays=frozenset({"S_k", "F_k"}), grid_units={"S_k": "1/angstrom"},
        known={"S_k": Known(positive=True)},
    )

    def check_reference(self, reference):
        return "it has 20 points; 19 are allowed" if reference.array == "F_k" and reference.size == 20 else None

    def __init__(self, settings=None):
        super().__init__(settings)
        if self.settings.particles == 13:
            raise ValueError("thirteen particles bring bad luck")

    def run(self, point, context):
        return Observation(values={"energy": float(point["x"]), "pressure": 0.0})


class Cold(Toy):
    def refuses(self, point):
        return "it boils" if point["x"] > 1 else None


class Open(Simulator):
    def run(self, point, context):
        return Observation()


class Picky(Strategy):
    kind = "picky"

    @classmethod
    def supports(cls, space, objective, settings=None):
        return "it takes one parameter" if space.dimension > 1 else None

    def _propose(self, n, pending):
        return []


def energy(x, y, z=0.0, *, seed):
    return {"energy": x + y + z}


number = 3
"""
REFERENCE = "# from nowhere\nk,S\n" + "".join(f"{k},{1 + math.exp(-k)}\n" for k in range(20))

VALID: dict[str, Any] = {
    "name": "toy-1",
    "simulator": {"kind": "toy:Toy", "particles": 20, "masses": [1.0, 2.5]},
    "space": {
        "x": {"low": -1, "high": 1.5, "unit": "nm"},
        "y": {"low": 1, "high": 9, "integer": True},
        "z": {"derived": "x / 2 + y"},
    },
    "constraints": ["x + y <= 5"],
    "objective": {"match": {"S_k": {"reference": "S_k.csv", "range": [1, 15], "weight": 2, "columns": ["k", "S"]}}},
    "strategy": {"kind": "random"},
    "surrogate": "none",
    "budget": {"trials": 40, "hours": 1.5, "target": 0.05, "stagnation": 20, "failures": 8},
    "workers": {
        "concurrent": 4, "cpus": 0.5, "gpus": 0, "memory": "2 GiB", "walltime": "1 h 30 min", "retries": 1,
        "grace": "5 s", "ahead": 3,
    },
    "cluster": {"address": "auto", "dashboard_port": 8300},
    "tracking": {"mlflow": "http://localhost:5000", "experiment": "argon"},
    "seed": 7,
}  # fmt: skip


GONE = object()

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def written(path: Path) -> Path:
    """Write what the campaign names, and what others do, into a folder and return it."""
    (path / "toy.py").write_text(TOY)
    (path / "broken.py").write_text("import a_module_that_is_not_there\n")
    (path / "leaving.py").write_text("raise SystemExit(3)\n")
    (path / "S_k.csv").write_text(REFERENCE)
    (path / "ragged.csv").write_text("k,S\n1,2\n3\n")
    (path / "words.csv").write_text("k,S\n1,two\n")
    (path / "empty.csv").write_text("")
    (path / "rows.csv").write_text("x,y,phase\n0.5,1,sq\n1.5,2,hex\n")
    (path / "zero.csv").write_text("".join(f"{k},0\n" for k in range(12)))
    (path / "S_nm.csv").write_text(REFERENCE.replace("k,S", "k_inv_nm,S"))
    (path / "S_r.csv").write_text(REFERENCE.replace("k,S", "r_nm,S"))
    (path / "S_odd.csv").write_text(REFERENCE.replace("k,S", "k (1/furlong),S"))
    return path


def load(folder: Path, text: str) -> CampaignSpec:
    path = folder / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    return load_campaign_file(path)


def problems_of(folder: Path, data: Any) -> list[Problem]:
    with pytest.raises(CampaignFileError) as raised:
        parse_campaign(data, folder)
    assert str(raised.value).splitlines() == [str(problem) for problem in raised.value.problems]  # one line each
    return list(raised.value.problems)


def changed(place: str, value: Any) -> dict[str, Any]:
    """Return the valid campaign with the value at a dotted place; the place goes away where the value is `GONE`."""
    data = copy.deepcopy(VALID)
    *path, last = place.split(".")
    inner = data
    for step in path:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return data


def assert_clear(error: CampaignFileError) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.message
        assert len(str(problem)) < 2000
