"""The built-in surrogates keep the contract that plug-ins keep."""

import pytest
from bragg import images

from softal.testing.surrogates import MATCH, Candidate, SurrogateContract, trials

pytestmark = pytest.mark.learning


class TestGaussianProcess(SurrogateContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("gp")


class TestEnsemble(SurrogateContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("ensemble", {"members": 4, "width": 32, "steps": 150})


class TestComposite(SurrogateContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("composite", objective=MATCH)


class TestDynamicsNetwork(SurrogateContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("dynamics_network")


class TestPhaseClassifier(SurrogateContract):
    @pytest.fixture
    def candidate(self, tmp_path_factory):
        labels = tmp_path_factory.mktemp("labels") / "labels.csv"
        points = [trial.point for trial in trials(40)]
        rows = [",".join(map(str, [*point.values(), point["lattice"]])) for point in points]
        labels.write_text("\n".join([",".join([*points[0], "phase"]), *rows]))
        return Candidate("phase_classifier", {"labels": labels, "epochs": 2}, arrays=images)
