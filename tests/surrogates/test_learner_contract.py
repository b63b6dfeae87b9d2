"""The built-in learners that are no surrogates keep the contract that plug-ins keep."""

from dataclasses import replace

import packings
import planes
import pytest
import soft_shells
import thermal_crystals
from bragg import CRYSTALS, crystals, write_labels
from liquids import liquids

from softal.objective import learn
from softal.simulators.kob_andersen.kob_andersen import FLAWS
from softal.testing.learners import Candidate, LearnerContract

pytestmark = pytest.mark.learning

STATES = {"T": {"low": 0.4, "high": 6.0}, "rho": {"low": 1.1, "high": 1.6}, "interaction": {"choices": ["LJ", "WCA"]}}
NETWORK = {"members": 2, "folds": 2, "fold_members": 1, "width": 8, "steps": 20}


class TestDynamicsNetwork(LearnerContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("dynamics_network", STATES, liquids, NETWORK, replace(learn("relaxation_A"), flaws=FLAWS), 8)


class TestPhaseClassifier(LearnerContract):
    @pytest.fixture
    def candidate(self, tmp_path_factory):
        labels = write_labels(tmp_path_factory.mktemp("labels") / "labels.csv", crystals(18))
        return Candidate("phase_classifier", CRYSTALS, crystals, {"labels": labels, "epochs": 2})


class TestProfiles(LearnerContract):
    @pytest.fixture(params=["ensemble", "paper", "gaussian_process"])
    def candidate(self, request):
        settings = {"network": request.param, "members": 2, "folds": 2, "fold_members": 1, "width": 8, "steps": 10}
        objective = replace(learn("mid"), known=planes.KNOWN)
        return Candidate("profiles", planes.SPACE, planes.slits, settings | {"epochs": 2}, objective)


class TestSymmetryPotential(LearnerContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("symmetry_potential", soft_shells.SPACE, soft_shells.crystals, {"functions": 6}, None, 6)


class TestEnvironments(LearnerContract):
    @pytest.fixture
    def candidate(self):
        settings = {"steps": 50, "bottlenecks": 4, "most_components": 3, "restarts": 1, "refits": 1}
        return Candidate("environments", packings.SPACE, packings.small, settings, None, 6)


class TestParticlePhases(LearnerContract):
    @pytest.fixture(params=[0, 4])
    def candidate(self, request):
        settings = {"hidden": request.param, "environments": 100}
        return Candidate("particle_phases", thermal_crystals.SPACE, thermal_crystals.crystals, settings, None, 12)
