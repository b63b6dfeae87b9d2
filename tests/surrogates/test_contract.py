"""The built-in surrogates keep the contract that plug-ins keep."""

import pytest

from softal.testing.surrogates import Candidate, SurrogateContract


class TestGaussianProcess(SurrogateContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("gp")


class TestEnsemble(SurrogateContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("ensemble", {"members": 4, "width": 32, "steps": 150})
