"""The learner of environments: which clusters it finds of shaken crystals and fluids, what is far, what it refuses."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import packings
import pytest

from softal.errors import SurrogateError
from softal.objective import learn
from softal.outputs import Flaws
from softal.space import Space
from softal.surrogates import build_learner, load_learner
from softal.surrogates.environments.autoencoder import Autoencoder
from softal.surrogates.environments.data import descriptors
from softal.surrogates.environments.finding import find
from softal.surrogates.environments.importance import importance
from softal.surrogates.environments.settings import EnvironmentsSettings
from softal.surrogates.environments.stability import agreement
from softal.surrogates.environments.training import Schedule, train
from softal.surrogates.particles import particle_folder
from softal.theory.local_structure.descriptors import Neighbourhood
from softal.trial import Array

pytestmark = [pytest.mark.learning, pytest.mark.physics]

QUICK = {"steps": 250, "bottlenecks": 4, "most_components": 6, "restarts": 2, "refits": 0}


def learner(**settings):
    return build_learner("environments", Space(packings.SPACE), QUICK | settings)


def fitted(trials, **settings):
    made = learner(**settings)
    made.fit(trials)
    assert made.untrained is None
    return made


def shown(made):
    return made.tables()["environments"]


@pytest.fixture(scope="module")
def trials():
    return packings.packings(9)


@pytest.fixture(scope="module")
def learned(trials):
    return fitted(trials, refits=1)


def test_fcc_hcp_and_fluid_are_three_clusters(learned, trials):
    kinds = [trial.point["structure"] for trial in trials]
    fractions = np.array([run["fractions"] for run in shown(learned)["runs"]])
    names = [{kinds[i] for i in np.flatnonzero(fractions.argmax(axis=1) == cluster)} for cluster in range(3)]
    assert learned.clusters == ("cluster 1", "cluster 2", "cluster 3")
    assert sorted(names, key=min) == [{"fcc"}, {"fluid"}, {"hcp"}]
    assert fractions.max(axis=1).min() > 0.95
    assert learned.metrics()["adjusted_rand"] > 0.95


def test_unseen_configurations_are_in_the_cluster_of_their_kind(learned, trials):
    cluster = {
        trial.point["structure"]: int(np.argmax(run["fractions"]))
        for trial, run in zip(trials, shown(learned)["runs"], strict=True)
    }
    for kind, rho in (("fcc", 1.02), ("hcp", 1.02), ("fluid", 0.88)):
        found = learned.classify(*packings.packed(kind, rho, 99))
        assert np.mean(found.labels == cluster[kind]) > 0.95
        np.testing.assert_allclose(found.memberships.sum(axis=1), 1)
        assert found.fractions[f"cluster {cluster[kind] + 1}"] > 0.95
        assert found.fractions["unknown"] < 0.05


def test_a_structure_that_was_not_seen_is_far():
    made = fitted(packings.packings(6, kinds=("fcc", "fluid")))
    assert made.classify(*packings.packed("hcp", 1.02, 99)).fractions["unknown"] > 0.8
    assert made.classify(*packings.packed("fcc", 1.02, 99)).fractions["unknown"] < 0.05
    assert made.metrics()["far_held_out"] <= 0.01


def test_other_seeds_find_the_same_clusters(trials):
    Q = np.vstack([descriptors(*positions_of(trial), None, Neighbourhood()) for trial in trials])
    fits = [find(Q, Q[:100], EnvironmentsSettings(seed=seed, **QUICK))[0] for seed in range(3)]
    assert agreement(fits, Q).min() > 0.95


def positions_of(trial):
    arrays = trial.observation.arrays
    return arrays["configurations"].values[0], arrays["boxes"].values[0]


def test_what_is_loaded_says_the_same(learned, tmp_path):
    learned.save(tmp_path)
    again = load_learner(particle_folder(tmp_path))
    one, other = (made.classify(*packings.packed("hcp", 1.03, 5)) for made in (learned, again))
    np.testing.assert_array_equal(one.memberships, other.memberships)
    np.testing.assert_array_equal(one.far, other.far)
    assert particle_folder(tmp_path) == tmp_path


def test_it_is_evaluated_without_torch_and_scikit_learn(learned, tmp_path):
    learned.save(tmp_path)
    code = (
        "import sys; from softal.surrogates import load_learner; import numpy as np; "
        f"made = load_learner({str(tmp_path)!r}); "
        "made.classify(np.random.default_rng(0).random((50, 3)) * 4, np.full(3, 4.0)); "
        "assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_two_species_have_descriptors_of_their_own(trials):
    types = np.arange(256) % 2
    mixed = [replace(trial, observation=with_types(trial, types)) for trial in trials[:3]]
    made = fitted(mixed)
    assert shown(made)["inputs"][8:] == [f"q{l} ss" for l in range(1, 9)]  # noqa: E741
    found = made.classify(*positions_of(trials[0]), types)
    assert found.memberships.shape == (256, len(made.clusters))


def with_types(trial, types):
    return replace(trial.observation, arrays={**trial.observation.arrays, "types": Array.of(types)})


def test_numbers_may_be_given(trials):
    made = fitted(trials, bottleneck=3, components=5, clusters=2)
    table = shown(made)
    assert (table["bottleneck"], table["components"], table["clusters"]) == (3, 5, 2)
    assert made.metrics()["clusters"] == 2


def test_the_autoencoder_is_as_good_as_principal_components():
    rng = np.random.default_rng(0)
    Q = np.tanh(rng.standard_normal((500, 2)) @ rng.standard_normal((2, 6))) + 0.05 * rng.standard_normal((500, 6))
    networks = train(Q, 4, Schedule(400, 256, 1e-2, 1e-5, 0))
    values = np.linalg.eigvalsh(np.cov(Q.T))[::-1]
    explained = np.array([network.explained(Q) for network in networks])
    assert (explained > np.cumsum(values)[:4] / values.sum() - 0.01).all()
    assert explained[1] > 0.9


def test_a_coordinate_that_says_all_is_important():
    rng = np.random.default_rng(1)
    Q = 1 + rng.standard_normal((400, 4)) * [1.0, 0.01, 0.01, 0.01]
    [network] = train(Q, 1, Schedule(400, 256, 1e-2, 1e-5, 0))
    for parts in importance(network, Q).values():
        assert parts.sum() == pytest.approx(1)
        assert parts[0] > 0.9


@pytest.mark.parametrize("damage", ["shape", "number"])
def test_a_damaged_network_is_refused(damage):
    rng = np.random.default_rng(1)
    [network] = train(rng.standard_normal((100, 4)), 1, Schedule(2, 64, 1e-2, 1e-5, 0))
    weights = dict(network.weights)
    weights["output.bias"] = np.zeros(3) if damage == "shape" else np.full(4, np.nan)
    with pytest.raises(ValueError, match="autoencoder"):
        Autoencoder.checked(weights, network.offset, network.scale)


# What is refused.


def refusal(trials, **settings):
    made = learner(**settings)
    made.fit(trials)
    assert made.metrics() == {}
    return made.untrained


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("boxes", np.ones((2, 3)), r"array 'boxes': shape \(2, 3\); \(1, 3\) is needed"),
        ("configurations", np.ones((5, 2)), r"array 'configurations': shape \(5, 2\); allowed: \(S, N, 3\)"),
        ("configurations", np.full((1, 256, 3), np.nan), "768 of 768 numbers are not finite"),
        ("types", np.zeros(3), r"array 'types': shape \(3,\); allowed: \(1, 256\) or \(256,\)"),
        ("types", np.full(256, 0.5), "array 'types': 0.5; allowed: whole numbers from 0"),
    ],
)
def test_arrays_that_do_not_fit_are_named(trials, name, values, said):
    arrays = {**trials[1].observation.arrays, name: Array.of(values)}
    wrong = replace(trials[1], observation=replace(trials[1].observation, arrays=arrays))
    reason = refusal([trials[0], wrong])
    assert reason.startswith("trial 1, ")
    assert re.search(said, reason)


def test_too_few_particles_and_perfect_crystals_have_no_clusters(trials):
    assert "clusters are made of 100 particles at least; there are 8" in refusal(trials[:1], environments=10)
    positions, box = packings.crystal("fcc", 1.0, (4, 4, 4), np.random.default_rng(0), shake=0)
    perfect = packings.trial(0, {"rho": 1.0, "structure": "fcc"}, positions[None], box[None])
    assert "all 205 particles have the same surroundings" in refusal([perfect])


def test_flawed_runs_teach_nothing(trials):
    goal = replace(learn("density"), flaws=Flaws({"frozen": 1.0}))
    made = build_learner("environments", Space(packings.SPACE), QUICK, goal)
    values = {"density": 1.0, "frozen": 1.0}
    made.fit([replace(trial, observation=replace(trial.observation, values=values)) for trial in trials[:3]])
    assert made.untrained == "no trial is without a flaw"


def test_descriptors_of_another_number_are_refused(learned):
    with pytest.raises(SurrogateError, match=r"descriptors of shape \(3, 5\); allowed: \(n, 8\), q1, q2"):
        learned.of_descriptors(np.zeros((3, 5)))


def test_a_configuration_that_cannot_be_is_refused(learned):
    with pytest.raises(SurrogateError, match="positions of shape"):
        learned.classify(np.zeros((3, 2)), np.ones(3))
    with pytest.raises(SurrogateError, match="types of two species are given"):
        learned.classify(np.zeros((2, 3)), np.ones(3), [0, 1])


def test_cutoffs_need_the_kind_of_neighbours_that_has_them():
    with pytest.raises(SurrogateError, match="1 cutoffs are given for neighbours by sann"):
        learner(neighbours={"cutoffs": [1.3]})
    assert learner(neighbours={"by": "cutoff", "cutoffs": [1.3]}).settings.neighbours.neighbourhood().cutoffs == (1.3,)
