"""The built-in surrogates keep the contract that plug-ins keep."""

import pytest

from softal.testing.surrogates import MATCH, Candidate, SurrogateContract

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
