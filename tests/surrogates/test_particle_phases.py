"""The learner of particles' phases: what it tells apart, which runs test it, what is unknown, what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.spatial.transform import Rotation
from thermal_crystals import SPACE, WORDS, crystal, crystals, trial

from softal.errors import SurrogateError
from softal.objective import learn
from softal.outputs import Flaws
from softal.space import Space
from softal.surrogates import build, build_learner, load_learner
from softal.surrogates.particle_phases import data, network
from softal.surrogates.particle_phases.data import Run
from softal.surrogates.particle_phases.novelty import Novelty
from softal.surrogates.particle_phases.settings import ParticlePhasesSettings
from softal.surrogates.particle_phases.split import sides
from softal.surrogates.particles import particle_folder
from softal.trial import Array, Observation

pytestmark = pytest.mark.physics  # compiles

GOAL = replace(learn("q_6"), words={"labels": WORDS})


def learner(objective=GOAL, **settings):
    return build_learner("particle_phases", Space(SPACE), settings, objective)


def fitted(trials, **settings):
    made = learner(**settings)
    made.fit(trials)
    assert made.untrained is None
    return made


def shown(made):
    return made.tables()["particle_phases"]


@pytest.fixture(scope="module")
def runs():
    return crystals(24)


@pytest.fixture(scope="module")
def learned(runs):
    return fitted(runs)


# What is told apart.


@pytest.mark.parametrize("settings", [{}, {"hidden": 8}, {"neighbours": {"by": "cutoff", "cutoffs": [1.5]}}])
def test_crystals_that_it_has_not_seen_are_told_apart(runs, settings):
    made = fitted(runs, **settings)
    assert made.labels == WORDS
    assert made.metrics()["accuracy"] > 0.995
    for structure, name in (("fcc", "fcc"), ("NaCl", "NaCl")):
        positions, box, types, _ = crystal(structure)
        rng = np.random.default_rng(5)
        moved = positions + rng.normal(0, 0.04, positions.shape)
        found = made.classify(moved, box, types)
        assert found.memberships.shape == (len(positions), 5)
        assert found.memberships.sum(axis=1) == pytest.approx(1)
        right = np.mean(found.memberships.argmax(axis=1) == WORDS.index(name))
        assert right > 0.99


def test_both_species_of_a_crystal_have_labels_of_their_own(learned):
    positions, box, types, labels = crystal("AlB2")
    positions = positions + np.random.default_rng(6).normal(0, 0.04, positions.shape)
    found = learned.classify(positions, box, types)
    assert np.mean(found.labels == labels) > 0.98
    swapped = learned.classify(positions[:, [1, 2, 0]] + 4.7, box[[1, 2, 0]], types)
    assert swapped.memberships == pytest.approx(found.memberships, abs=1e-8)


def test_a_structure_that_it_has_not_seen_is_unknown(learned):
    rng = np.random.default_rng(7)
    corners = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    bcc = (corners + np.array([(0, 0, 0), (0.5, 0.5, 0.5)])).reshape(-1, 3) * 2 ** (1 / 3)
    found = learned.classify(bcc + rng.normal(0, 0.04, bcc.shape), np.full(3, 5 * 2 ** (1 / 3)))
    assert found.far.mean() > 0.95
    assert set(found.labels[found.far]) == {len(found.names)}
    fcc, box, _, _ = crystal("fcc")
    assert learned.classify(fcc + rng.normal(0, 0.04, fcc.shape), box).far.mean() < 0.05


def test_one_species_has_half_of_the_inputs(runs):
    one = [
        replace(
            run,
            observation=Observation(
                arrays={name: array for name, array in run.observation.arrays.items() if name != "types"}
            ),
        )
        for run in runs
        if run.point["structure"] in ("fcc", "fluid")
    ]
    made = fitted(one)
    assert (made.species, len(shown(made)["inputs"])) == (1, 12)
    positions, box, types, _ = crystal("NaCl")
    assert made.classify(positions[types == 0], box).memberships.shape == (108, 2)
    with pytest.raises(SurrogateError, match="two species are given to a classifier that has learned from one"):
        made.classify(positions, box, types)


def test_labels_without_words_have_numbers(runs):
    made = learner(None)
    made.fit(runs)
    assert made.labels == tuple(f"label {i}" for i in range(5))


def test_fits_are_deterministic_and_know_their_seed(runs, learned):
    again, other = fitted(runs[::-1]), fitted(runs, seed=1)
    positions, box, types, _ = crystal("NaCl")
    positions = positions + 0.01
    first = learned.classify(positions, box, types).memberships.tolist()
    assert again.classify(positions, box, types).memberships.tolist() == first
    assert other.classify(positions, box, types).memberships.tolist() != first


def test_particles_without_a_label_are_not_learned_from(runs):
    arrays = dict(runs[0].observation.arrays)
    labels = arrays["labels"].values.copy()
    labels[:, 10:] = -1
    arrays["labels"] = Array.of(labels)
    some = [replace(runs[0], observation=Observation(arrays=arrays)), *runs[1:]]
    made, counts = fitted(some), {}
    for one in data.runs_of(some, made.settings):
        counts[one.trial] = len(one.y)
    assert (counts[0], counts[4]) == (20, 216)


def test_fewer_particles_are_drawn_where_fewer_are_wanted(runs):
    assert [len(run.y) for run in data.runs_of(runs, ParticlePhasesSettings(environments=50))] == [50] * 24


def test_runs_that_are_flawed_are_left_out(runs):
    goal = replace(GOAL, flaws=Flaws({"melted": 1.0}))
    marked = [replace(one, observation=replace(one.observation, values={"melted": float(one.id < 4)})) for one in runs]
    made = learner(goal)
    made.fit(marked)
    assert sum(shown(made)["trials"].values()) == 20


# Which runs test.


def run(number, label=0, **point):
    return Run(number, point, np.empty((1, 12)), np.array([label]), 1.0)


def test_of_each_structure_a_part_tests():
    many = [run(i, label=i % 3, packing=0.5) for i in range(24)]
    found = sides(many, ParticlePhasesSettings())
    for label in range(3):
        assert found[label::3].count("same") == 2
    assert sides(many, ParticlePhasesSettings(seed=1)) != found
    assert sides(many[:3], ParticlePhasesSettings()) == ["learned"] * 3


def test_runs_at_other_points_are_elsewhere():
    many = [run(i, packing=(0.5, 0.55, 0.6)[i % 3], structure="fcc") for i in range(12)]
    settings = ParticlePhasesSettings(learned_from=({"structure": "fcc", "packing": 0.55},))
    found = sides(many, settings)
    assert found[1::3].count("learned") == 3
    assert found[1::3].count("same") == 1
    assert set(found[::3] + found[2::3]) == {"other"}
    singles = [run(i, packing=i / 10) for i in range(8)]
    assert sorted(set(sides(singles, ParticlePhasesSettings()))) == ["learned", "other"]


def test_other_points_have_accuracies_of_their_own(runs):
    made = fitted(runs, learned_from=[{"packing": 0.55}])
    found = shown(made)
    assert found["trials"] == {"learned": 12, "same": 4, "other": 8}
    assert set(made.metrics()) == {
        "accuracy", "accuracy_other", "worst_label", "worst_label_other", "unknown", "unknown_other", "environments",
    }  # fmt: skip
    for side in ("same", "other"):
        counts = np.array(found["tests"][side]["confusion"])
        assert counts.sum() == found["environments"][side]
        assert found["tests"][side]["overall"] == np.trace(counts) / counts.sum()
    assert {one["side"] for one in found["runs"] if one["point"]["packing"] == 0.5} == {"other"}


# The network, and what is far.


@pytest.mark.parametrize("shapes", [[(3, 4)], [(3, 5), (5, 4)]])
def test_gradients_are_those_of_the_loss(shapes):
    rng = np.random.default_rng(8)
    Z, y = rng.normal(size=(20, 3)), rng.integers(0, 4, 20)
    given = (Z, np.eye(4)[y], rng.random(20), shapes, 0.1)
    at = rng.normal(size=sum((a + 1) * b for a, b in shapes))
    wrong = check_grad(lambda w: network._loss(w, *given)[0], lambda w: network._loss(w, *given)[1], at)
    assert wrong < 1e-5


def test_what_is_not_linear_needs_the_hidden_layer():
    rng = np.random.default_rng(9)
    X = rng.normal(size=(2000, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    right = [
        np.mean(network.fitted(X, y, 2, hidden, 1e-5, 500, 0).network.probabilities(X).argmax(axis=1) == y)
        for hidden in (0, 12)
    ]
    assert right[0] < 0.65
    assert right[1] > 0.97


def test_labels_count_alike_however_many_particles_they_have():
    """Of two overlapping Gaussians, one with a tenth of the other's particles, the border is in the middle."""
    rng = np.random.default_rng(10)
    X = np.concatenate([rng.normal(-1, 1, (20_000, 1)), rng.normal(1, 1, (2000, 1))])
    y = np.repeat([0, 1], [20_000, 2000])
    made = network.fitted(X, y, 2, 0, 1e-8, 500, 0)
    assert made.converged
    assert made.network.probabilities(np.zeros((1, 1)))[0, 0] == pytest.approx(0.5, abs=0.03)


def test_one_of_a_thousand_is_taken_for_something_unknown():
    rng = np.random.default_rng(11)
    turn = Rotation.random(random_state=1).as_matrix() * [1.0, 0.1, 3.0]
    Z, y = rng.normal(size=(40_000, 3)), np.arange(40_000) % 2
    Z = np.where(y[:, None] == 0, Z @ turn, 8 + 0.2 * Z)
    found = Novelty.of(Z[:20_000], y[:20_000], Z[20_000:30_000], y[20_000:30_000], 2)
    assert np.mean(found.distance(Z[30_000:]) > 1) == pytest.approx(0.001, abs=0.002)
    assert (found.distance(np.array([[4.0, 4, 4], [8, 8, 9.5]])) > 1).all()


# What is kept.


def test_what_is_saved_is_loaded(learned, tmp_path):
    learned.provenance = {"campaign": "spheres"}
    learned.save(tmp_path / "learner" / "latest")
    loaded = load_learner(particle_folder(tmp_path))
    positions, box, types, _ = crystal("AlB2")
    for name in ("memberships", "far", "labels"):
        one, other = (getattr(made.classify(positions, box, types), name) for made in (loaded, learned))
        np.testing.assert_array_equal(one, other)
    described = json.loads((particle_folder(tmp_path) / "model.json").read_text())
    assert (described["state"]["names"], described["state"]["species"]) == (list(WORDS), 2)
    assert loaded.tables() == learned.tables()


def test_to_classify_takes_no_torch(learned, tmp_path):
    learned.save(tmp_path)
    code = (
        "import sys, numpy as np\n"
        "from softal.surrogates import load_learner\n"
        f"made = load_learner({str(tmp_path)!r})\n"
        "made.classify(np.random.default_rng(0).random((30, 3)) * 4, np.full(3, 4.0))\n"
        "assert not {'torch', 'sklearn', 'botorch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_no_classifier_is_said_in_one_line(tmp_path):
    with pytest.raises(SurrogateError, match=r"no trained learner of particles in .*spheres; `softal launch"):
        particle_folder(tmp_path / "spheres")
    gp = build("gp", Space(SPACE), ["q_6"])
    gp.fit(crystals(5))
    gp.save(tmp_path / "gp")
    with pytest.raises(SurrogateError, match="kind 'gp', which does not tell particles apart"):
        particle_folder(tmp_path / "gp")


@pytest.mark.parametrize(("name", "value"), [("names", ["a", "b"]), ("species", 1)])
def test_a_description_that_does_not_fit_is_refused(learned, tmp_path, name, value):
    learned.save(tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    description["state"][name] = value
    path.write_text(json.dumps({key: part for key, part in description.items() if key != "checksum"}))
    with pytest.raises(SurrogateError) as caught:
        load_learner(tmp_path)
    assert "\n" not in str(caught.value)


def test_configurations_that_cannot_be_are_refused(learned):
    with pytest.raises(SurrogateError, match=r"positions of shape \(4, 2\)"):
        learned.classify(np.zeros((4, 2)), np.full(2, 5.0))
    with pytest.raises(SurrogateError, match="not been fitted"):
        learner().classify(np.zeros((2, 3)), np.full(3, 5.0))


# What cannot be learned from.


def changed(name, values):
    """Trials of which the third has another array."""
    trials = crystals(8)
    arrays = dict(trials[2].observation.arrays)
    arrays[name] = Array.of(values(arrays[name].values))
    return [*trials[:2], replace(trials[2], observation=Observation(arrays=arrays)), *trials[3:]]


@pytest.mark.parametrize(
    ("trials", "settings", "said"),
    [
        (lambda: changed("configurations", lambda v: v[0]), {}, r"trial 2, array 'configurations': shape \(288, 3\)"),
        (
            lambda: changed("labels", lambda v: v[:, :9]),
            {},
            r"trial 2, array 'labels': shape \(2, 9\); allowed: \(2, 288",
        ),
        (
            lambda: changed("labels", lambda v: v + 0.5),
            {},
            "trial 2, array 'labels': 3.5; allowed: whole numbers from -1",
        ),
        (lambda: changed("types", lambda v: v - 1), {}, "trial 2, array 'types': -1; allowed: whole numbers from 0"),
        (lambda: changed("boxes", lambda v: v[:1]), {}, r"trial 2, array 'boxes': shape \(1, 3\); \(2, 3\) is needed"),
        (lambda: changed("boxes", lambda v: -v), {}, "trial 2: .* above 0"),
        (lambda: changed("configurations", lambda v: v * np.inf), {}, "trial 2, .*: 1728 of 1728 numbers are not fin"),
        (lambda: crystals(8)[::4], {}, "labels are told apart, 2 at least; 1 runs to learn from, of 2, have 1"),
        (lambda: crystals(8), {"learned_from": [{"packing": 0.4}]}, "0 runs to learn from, of 8, have 0"),
        (
            lambda: crystals(8),
            {"learned_from": [{"structure": "fcc"}, {"structure": "fluid"}]},
            "trial 1 has the label 2, but none of the runs to learn from has it",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_one_line(trials, settings, said):
    made = learner(**settings)
    made.fit(trials())
    assert made.untrained is not None
    with pytest.raises(SurrogateError, match=f"not trained: .*{said}") as caught:
        made.classify(np.zeros((1, 3)), np.full(3, 9.0))
    assert "\n" not in str(caught.value)
    assert made.metrics() == {}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"neighbours": {"by": "cutoff"}}, "neighbours: .*0 cutoffs are given for neighbours by cutoff"),
        ({"neighbours": {"cutoffs": [1.3]}}, "1 cutoffs are given for neighbours by sann"),
        ({"neighbours": {"by": "cutoff", "cutoffs": [-1]}}, "neighbours.cutoffs.0: -1 is given"),
        ({"hidden": -1}, "hidden: -1 is given"),
        ({"learned_from": []}, "learned_from"),
        ({"held_out": 0.6}, "held_out: 0.6 is given, but it must be less than or equal to 0.5"),
    ],
)
def test_settings_that_are_wrong_are_said(settings, said):
    with pytest.raises(SurrogateError, match=said) as caught:
        learner(**settings)
    assert "\n" not in str(caught.value)


def test_a_campaign_that_does_not_suit_is_told_so():
    made = learner(learned_from=[{"eta": 0.5}])
    arrays = frozenset(data.NEEDED)
    assert "learned_from: eta is no parameter" in made.suits(made.settings, made.space, arrays)
    made = learner(learned_from=[{"packing": 0.5}])
    assert made.suits(made.settings, made.space, arrays) is None
    assert "no array 'labels', only boxes, configurations" in made.suits(made.settings, made.space, arrays - {"labels"})


def test_new_trials_cost_no_more_than_themselves(runs, monkeypatch):
    asked = []
    monkeypatch.setattr(data, "_kept", {})
    true = data.inputs
    monkeypatch.setattr(data, "inputs", lambda *given: asked.append(1) or true(*given))
    data.runs_of(runs[:10], ParticlePhasesSettings())
    first = len(asked)
    data.runs_of([*runs[:10], trial(30, {"structure": "fcc", "packing": 0.5})], ParticlePhasesSettings())
    assert (first, len(asked) - first) == (20, 2)
