"""Points from the command line and from files, and what the surrogate says there."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from softal.errors import SoftalError, SurrogateError
from softal.orchestrator.points import read_points
from softal.orchestrator.predictions import predict_points, write_curves
from softal.space import Space
from softal.surrogates import find_any

SPACE = Space(
    {
        "epsilon": {"low": 80, "high": 160, "unit": "K"},
        "n": {"low": 8, "high": 20, "integer": True},
        "kind": {"choices": ["soft", "hard"]},
        "on": {"choices": [True, False]},
        "length": {"choices": [1, 2.5]},
        "mass": 3.0,
        "charge": {"derived": "-epsilon / 2"},
    }
)
TEXT = "epsilon=120,n=12,kind=soft,on=false,length=2.50"
POINT = {"epsilon": 120.0, "n": 12, "kind": "soft", "on": False, "length": 2.5, "mass": 3.0, "charge": -60.0}


def test_text() -> None:
    [point] = read_points(SPACE, [TEXT])
    assert point == POINT
    assert isinstance(point["n"], int)
    assert point["on"] is False


def test_spaces_and_known_values_are_taken() -> None:
    assert read_points(SPACE, [TEXT.replace(",", " , ") + ", mass = 3, charge=-60"]) == [POINT]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("epsilon=120", "epsilon=12"), r"epsilon: 12.*80.*160"),
        (("epsilon=120", "epsilon=many"), r"epsilon: 'many' is given; a number from 80\S* to 160"),
        (("epsilon=120", "epsilon=nan"), r"epsilon: .*nan"),
        ((",n=12,", ",n=12.5,"), r"n: 12\.5"),
        (("kind=soft", "kind=sofd"), r"kind: .*sofd.*soft"),
        (("on=false", "on=0"), r"on: .*0"),
        ((",n=12,", ","), r"n is missing"),
        (("epsilon", "epsilom"), r"epsilom.*did you mean `epsilon`"),
        (("epsilon=120", "epsilon"), r"'epsilon' is given; name=value"),
        ((",n=12,", ",n=12,n=13,"), r"n is given twice"),
        ((",n=12,", ",n=12,mass=4,"), r"mass: .*4.*3"),
    ],
)
def test_mistakes_in_a_text(changed: tuple[str, str], message: str) -> None:
    with pytest.raises(SoftalError, match=message) as error:
        read_points(SPACE, [TEXT.replace(*changed)])
    assert str(error.value).startswith("--at '")


def test_no_point_says_how_to_give_one() -> None:
    with pytest.raises(SoftalError, match=r"--at 'epsilon=\.\.\.,n=\.\.\..*--points"):
        read_points(SPACE, [])


def test_csv(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text('# made by hand\nn, epsilon,kind,on,length,comment\n12,120,soft,false,2.5,"so, so"\n\n')
    assert read_points(SPACE, [TEXT], file) == [POINT, POINT]


def test_json(tmp_path: Path) -> None:
    file = tmp_path / "points.json"
    free = {name: value for name, value in POINT.items() if name not in ("mass", "charge")}
    file.write_text(json.dumps([free, {"id": 3, "point": POINT}]))
    assert read_points(SPACE, [], file) == [POINT, POINT]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epsilon,n,kind,on,length\n120,12,soft,true,1\n300,12,soft,true,1\n", r"line 3: epsilon: 300.*80.*160"),
        ("epsilon,n,kind,on,length\n120,12,soft\n", r"line 2: it has 3 columns, the line of names has 5"),
        ("epsilon,n,kind,on\n", r"line 1: the column 'length' is missing"),
        ("", r"is empty"),
        ("[1, 2]", r"point 1: 1 is given; a mapping"),
        ('[{"epsilon": 120}]', r"point 1: n is missing"),
        ('[{"epsilon": [1], "n": 12, "kind": "soft", "on": true, "length": 1}]', r"point 1: epsilon: "),
        ("[{", r"is not JSON"),
    ],
)
def test_mistakes_in_a_file(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "points"
    file.write_text(text)
    with pytest.raises(SoftalError, match=message) as error:
        read_points(SPACE, [], file)
    assert str(error.value).startswith(str(file))


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    with pytest.raises(SoftalError) as error:
        read_points(SPACE, [TEXT.replace("120", "1"), TEXT, TEXT.replace(",n=12,", ",n=99,")])
    assert len(str(error.value).splitlines()) == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SoftalError, match="cannot be read"):
        read_points(SPACE, [], tmp_path / "nothing.csv")


def test_predictions() -> None:
    class Known:
        untrained = None

        def predict_arrays(self, points: Any) -> dict[str, tuple[Any, Any, Any]]:
            return {}

        def predict(self, points: Any) -> dict[str, tuple[Any, Any]]:
            epsilon = np.array([point["epsilon"] for point in points])
            return {"energy": (-epsilon, np.sqrt(epsilon))}

        def refuses(self, point: Any) -> str | None:
            return "epsilon: 300 is too hot" if point["epsilon"] == 300.0 else None

    campaign: Any = SimpleNamespace(surrogate=Known(), latest_learner=None)
    other = {**POINT, "epsilon": 100.0}
    found = predict_points(campaign, [POINT, other])
    assert found[1] == {"point": other, "prediction": {"energy": {"mean": -100.0, "std": 10.0}}}
    assert json.loads(json.dumps(found)) == found
    with pytest.raises(SurrogateError, match=r"^epsilon: 300 is too hot$"):
        predict_points(campaign, [POINT, {**POINT, "epsilon": 300.0}])
    with pytest.raises(SurrogateError, match="no curves are predicted"):
        write_curves(Path("curves.csv"), found)


def test_predicted_curves(tmp_path: Path) -> None:
    class Learned:
        """Knows two arrays, one of which the surrogate predicts, too, on a grid of its own."""

        untrained = None

        def __init__(self, size: int, *names: str) -> None:
            self.size, self.names, self.asked = size, names, 0

        def predict(self, points: Any) -> dict[str, tuple[Any, Any]]:
            return {"energy": (np.zeros(len(points)), np.ones(len(points)))}

        def predict_arrays(self, points: Any) -> dict[str, tuple[Any, Any, Any]]:
            self.asked += 1
            mean = np.array([point["epsilon"] for point in points])[:, None] + np.arange(self.size)
            mean[:, 0] = np.nan
            return {name: (np.linspace(0, 1, self.size), mean, 0 * mean + 0.5) for name in self.names}

        def refuses(self, point: Any) -> str | None:
            return None

    campaign: Any = SimpleNamespace(surrogate=Learned(9, "g", "S"), latest_learner=Learned(3, "g", "rho"))
    [alone] = predict_points(campaign, [POINT], curves=False)
    assert alone == {"point": POINT, "prediction": {"energy": {"mean": 0.0, "std": 1.0}}}
    assert (campaign.surrogate.asked, campaign.latest_learner.asked) == (0, 0), "curves take time"
    rows = predict_points(campaign, [POINT, {**POINT, "epsilon": 100.0}])
    assert {name: len(one["grid"]) for name, one in rows[0]["curves"].items()} == {"g": 3, "rho": 3, "S": 9}
    assert rows[1]["curves"]["g"] == {"grid": [0.0, 0.5, 1.0], "mean": [None, 101.0, 102.0], "std": [None, 0.5, 0.5]}
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    write_curves(tmp_path / "curves.csv", rows, ["rho"])
    table = list(csv.DictReader((tmp_path / "curves.csv").read_text().splitlines()))
    assert len(table) == 2 * 3
    assert table[-1] | {"epsilon": "100.0", "array": "rho", "place": "1.0", "mean": "102.0", "std": "0.5"} == table[-1]
    assert table[0]["mean"] == ""
    with pytest.raises(SurrogateError, match="'p' is not a known array that is predicted; allowed: S, g, rho"):
        write_curves(tmp_path / "curves.csv", rows, ["p"])


@pytest.mark.learning  # PyTorch is imported
@pytest.mark.parametrize(
    ("kind", "curves"), [("gp", False), ("composite", True), ("profiles", True), ("dynamics_network", True)]
)
def test_which_kinds_predict_curves(kind: str, curves: bool) -> None:
    assert find_any(kind).predicts_arrays() is curves
