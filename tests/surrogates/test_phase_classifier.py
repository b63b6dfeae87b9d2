"""The phase classifier: network, calibration, unknown phases, its table, and where it is loaded from."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from bragg import patterns

from softal.errors import SurrogateError
from softal.space import Choice, Real, Space
from softal.surrogates import build, build_learner, load_learner
from softal.surrogates.phases.classification import calibration_error, confusion, reliability, temperature
from softal.surrogates.phases.classifier import (
    PhaseClassifier,
    PhaseClassifierSettings,
    classifier_folder,
    load_classifier,
)
from softal.surrogates.phases.data import Examples, Labelled
from softal.surrogates.phases.labels import Table
from softal.surrogates.phases.network import IMAGES, Network, shapes, standardised
from softal.surrogates.phases.novelty import features
from softal.surrogates.phases.training import forward, initial
from softal.trial import Array, Observation, Trial, TrialState

pytestmark = pytest.mark.learning

SPACE = Space({"T": {"low": 0.0, "high": 1.0}, "P": {"value": 3.0}})
PHASES = ("bcc", "fcc", "hcp")
POINTS = 6  # of each phase
SETTINGS = {"epochs": 15, "seed": 1, "learning_rate": 3e-3, "batch": 8}


def trial(i, phase, images=8, seed=0):
    rng = np.random.default_rng([seed, i])
    observation = Observation(arrays={"phase_input": Array.of(patterns({"lattice": phase}, images, rng))})
    T = (i + 0.5) / 100
    return Trial(i, {"T": T, "P": 3.0}, state=TrialState.DONE, objective={"y": T}, observation=observation)


def data(phases=PHASES, seed=0):
    return [trial(i, phases[i % len(phases)], seed=seed) for i in range(POINTS * len(phases))]


def table(folder, trials, phases=PHASES):
    path = folder / "labels.csv"
    rows = [f"{t.point['T']!r}, {phases[t.id % len(phases)]}, by hand" for t in sorted(trials, key=lambda t: t.id)]
    path.write_text("\n".join(["# a comment", "T,phase,source", *rows]) + "\n")
    return path


def classifier(folder, trials, phases=PHASES, **settings):
    made = build_learner("phase_classifier", SPACE, {**SETTINGS, "labels": table(folder, trials, phases), **settings})
    made.fit(trials)
    return made


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    return classifier(tmp_path_factory.mktemp("fitted"), data())


def network(dimension, seed=0):
    weights = initial(dimension, 6, torch.Generator().manual_seed(seed))
    return Network({name: value.numpy() for name, value in weights.items()}, 0.1, 0.05)


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_network_is_the_one_that_torch_trains(dimension):
    images = np.random.default_rng(0).random((5, *IMAGES[dimension])).astype(np.float32)
    ours = network(dimension)
    scaled = torch.from_numpy(standardised(images, ours.offset, ours.scale)[:, None])
    theirs = forward({name: torch.from_numpy(value) for name, value in ours.weights.items()}, scaled)
    hidden = ours.hidden(images)
    assert hidden.shape == (5, 20)
    np.testing.assert_allclose(ours.probabilities(hidden), torch.softmax(theirs.double(), 1), atol=1e-6)
    np.testing.assert_allclose(ours.logits(hidden), theirs, atol=2e-6 * float(theirs.abs().max()))


def test_it_has_the_layers_of_the_paper():
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(1, 9, 4, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(9, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(256, 20), torch.nn.ReLU(), torch.nn.Linear(20, 6),
    )  # fmt: skip
    assert [tuple(p.shape) for p in layers.parameters()] == list(shapes(2, 6).values())
    ours = network(2)
    with torch.no_grad():
        for parameter, value in zip(layers.parameters(), ours.weights.values(), strict=True):
            parameter.copy_(torch.from_numpy(value))
        images = torch.rand(3, 1, 33, 33, generator=torch.Generator().manual_seed(0))
        theirs = layers((images - ours.offset) / ours.scale).numpy()
    np.testing.assert_allclose(ours.logits(ours.hidden(images[:, 0].numpy())), theirs, atol=1e-4)


def test_no_images_have_no_phases(fitted):
    assert fitted.classify(np.empty((0, 33, 33))).probabilities.shape == (0, 3)


def test_it_tells_phases_of_state_points_that_it_has_not_seen(fitted):
    for phase in PHASES:
        found = fitted.classify(patterns({"lattice": phase}, 40, np.random.default_rng(7)))
        assert found.phases == PHASES
        assert np.mean(found.probabilities.argmax(axis=1) == PHASES.index(phase)) > 0.9
        assert np.mean(found.unknown) < 0.1
        np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)


def test_a_phase_that_was_left_out_is_unknown(tmp_path):
    made = classifier(tmp_path, data(PHASES[:2]), PHASES[:2])
    found = made.classify(patterns({"lattice": "hcp"}, 40, np.random.default_rng(7)))
    assert found.probabilities.max(axis=1).mean() > 0.6  # the network itself is sure of it
    assert np.mean(found.unknown) > 0.9
    assert np.array_equal(found.unknown, found.distance > 1)


def test_what_is_shown_is_of_state_points_that_are_on_one_side_only(fitted):
    shown = fitted.tables()["classification"]
    parts = {}
    for point in shown["state_points"]:
        parts.setdefault((point["part"], point["phase"]), set()).add(point["point"]["T"])
    assert {key: len(points) for key, points in parts.items()} == {
        (part, phase): count for phase in PHASES for part, count in (("training", 3), ("validation", 1), ("test", 2))
    }
    assert len(set.union(*parts.values())) == POINTS * 3
    assert np.sum(shown["confusion"]) == shown["images"]["test"] == 2 * 3 * 8
    assert np.trace(shown["confusion"]) / np.sum(shown["confusion"]) == pytest.approx(shown["accuracy"])
    assert fitted.metrics() == {name: shown[name] for name in ("accuracy", "accuracy_state_points", "ece", "unknown")}
    assert json.loads(json.dumps(shown)) == shown


def total(made):
    return repr(float(sum(value.astype(float).sum() for value in made._network.weights.values())))


SPAWNED = """
import sys
sys.path[:0] = {paths!r}
import numpy as np
from pathlib import Path
from test_phase_classifier import classifier, data, total
np.random.seed(3)
made = classifier(Path({folder!r}), data()[::-1])
print(made.tables()["classification"]["data"], total(made))
"""


def test_same_data_and_seed_give_the_same_network_in_another_process(fitted, tmp_path, request):
    """In whatever order the trials finished."""
    code = SPAWNED.format(paths=[str(request.path.parent), str(request.path.parents[1])], folder=str(tmp_path))
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert out == [fitted.tables()["classification"]["data"], total(fitted)]


def test_another_seed_gives_another_network(fitted, tmp_path):
    other = classifier(tmp_path, data(), seed=2, epochs=1)
    assert not np.array_equal(other._network.weights["conv1.weight"], fitted._network.weights["conv1.weight"])


def test_what_is_loaded_classifies_the_same_without_torch(fitted, tmp_path):
    fitted.provenance = {"campaign": "phases", "simulator": {"kind": "hcss"}}
    fitted.save(tmp_path / "learner" / "latest")
    images = patterns({"lattice": "fcc"}, 3, np.random.default_rng(0))
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, numpy as np\nfrom softal.surrogates.phases.classifier import load_classifier\n"
        f"found = load_classifier({str(tmp_path)!r}).classify(np.load({str(tmp_path / 'images.npy')!r}))\n"
        "assert 'torch' not in sys.modules\nprint(found.probabilities.tolist())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    np.testing.assert_allclose(json.loads(out), fitted.classify(images).probabilities, rtol=1e-6)
    state = json.loads((classifier_folder(tmp_path) / "model.json").read_text())
    assert state["provenance"] == fitted.provenance
    assert (state["state"]["phases"], state["state"]["dimension"]) == (list(PHASES), 2)
    assert load_learner(tmp_path / "learner" / "latest").tables() == fitted.tables()


def test_a_table_that_is_gone_is_said(tmp_path):
    made = build_learner("phase_classifier", SPACE, {**SETTINGS, "labels": tmp_path / "not there.csv"})
    made.fit(data())
    with pytest.raises(SurrogateError, match=r"not trained: .*not there\.csv"):
        made.classify(np.zeros((1, 33, 33)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda trials: [replace(t, observation=Observation()) for t in trials],
            r"none of the 18 trials .* 'phase_input'",
        ),
        (
            lambda trials: [t for t in trials if t.id not in (0, 3, 6, 9)],
            "there are 14 state points with images, 2 of bcc",
        ),
        (lambda trials: [replace(t, point={"T": 0.9, "P": 3.0}) for t in trials], "none of the 0 trials"),
        (
            lambda trials: [
                replace(t, observation=Observation(arrays={"phase_input": Array.of(np.zeros((2, 9, 9)))}))
                for t in trials
            ],
            r"trial 0, array 'phase_input': shape \(2, 9, 9\)",
        ),
    ],
)
def test_why_there_is_no_network_is_said(tmp_path, change, said):
    trials = data()
    made = build_learner("phase_classifier", SPACE, {**SETTINGS, "labels": table(tmp_path, trials)})
    made.fit(change(trials))
    assert made.metrics() == {}
    assert made.tables()["classification"]["untrained"] == made.untrained
    made.save(tmp_path / "saved")
    with pytest.raises(SurrogateError, match=f"is not trained: .*{said}"):
        load_classifier(tmp_path / "saved")


def test_what_is_no_classifier_is_said_in_one_line(tmp_path):
    with pytest.raises(SurrogateError, match=r"no trained classifier in .*hcss; `softal launch campaigns/hcss.yaml`"):
        load_classifier(tmp_path / "hcss")
    gp = build("gp", SPACE, ["y"])
    gp.fit(data())
    gp.save(tmp_path)
    with pytest.raises(SurrogateError, match="kind 'gp', which knows no phases"):
        load_classifier(tmp_path)


def test_images_of_another_dimension_are_refused(fitted):
    with pytest.raises(SurrogateError, match="images of 3 dimensions are given to a classifier of 2"):
        fitted.classify(np.zeros((1, 17, 17, 17)))
    with pytest.raises(SurrogateError, match=r"\(n, 33, 33\) or \(n, 17, 17, 17\)"):
        fitted.classify(np.zeros((33, 33)))


def test_weights_of_another_network_are_refused(fitted, tmp_path):
    fitted.save(tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    description["state"]["phases"].append("bct")
    description["state"]["classification"]["phases"].append("bct")
    path.write_text(json.dumps(description))
    with pytest.raises(SurrogateError, match="not those of a network for 4 phases"):
        load_classifier(tmp_path)


# Unknown patterns.


@pytest.mark.parametrize("dimension", [2, 3])
def test_features_do_not_depend_on_the_orientation(dimension):
    """Mirrored about the diagonal, which maps pixels on pixels: harmonics keep their size."""
    image = np.random.default_rng(0).random((2, *IMAGES[dimension]))
    np.testing.assert_allclose(features(image.swapaxes(1, 2)), features(image), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("lattice", ["fcc", "hcp"])
def test_turned_patterns_are_nearer_to_each_other_than_to_those_of_another_symmetry(lattice):
    rng = np.random.default_rng(0)
    one, same, other = (features(patterns({"lattice": name}, 50, rng)) for name in (lattice, lattice, "bcc"))
    spread = one.std(axis=0)
    assert np.max(np.abs(one.mean(axis=0) - same.mean(axis=0)) / spread) < 5 * (2 / 50) ** 0.5
    assert np.max(np.abs(one.mean(axis=0) - other.mean(axis=0)) / spread) > 5


# Calibration.


def test_confusion_and_calibration_of_four_images():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    assert confusion(labels, probabilities.argmax(axis=1), 2).tolist() == [[1, 0], [1, 2]]
    found = reliability(labels, probabilities)
    assert found == [pytest.approx(one) for one in [(0.6, 1.0, 1), (0.7, 1.0, 1), (0.9, 0.5, 2)]]
    assert calibration_error(labels, probabilities) == pytest.approx((0.4 + 0.3 + 2 * 0.4) / 4)


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_is_that_of_the_labels(true):
    """Labels are drawn at a temperature; its estimate has a standard error of about 2 % here, from 10,000 labels."""
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((10_000, 4))
    labels = (logits / true + rng.gumbel(size=logits.shape)).argmax(axis=1)
    assert temperature(logits, labels, len(labels)) == pytest.approx(true, rel=0.06)


def test_a_few_images_without_a_mistake_do_not_make_it_certain():
    logits = np.array([[5.0, 0.0], [0.0, 5.0]])
    assert 0.3 < temperature(logits, np.array([0, 1]), 2) < 1.0


# The table.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("T,P\n1,2\n", "no column 'phase'.*it has T, P"),
        ("T,phase\n1\n", "line 2 has 1 cells; the header has 2"),
        ("# a comment\n\nT,phase\n1,sq,3\n", "line 4 has 3 cells; the header has 2"),
        ("T,phase\n,sq\n", "line 2: T is empty"),
        ("T,phase\n1,sq\n2,sq\n3,sq\n", "has the phases sq; at least two"),
        ("T,phase\n1,sq\n2,sq\n3,sq\n4,hex\n", "hex has 1; each phase needs 3"),
        ("", "no column 'phase'.*it has none"),
    ],
)
def test_a_table_that_teaches_nothing_is_refused_before_anything_runs(tmp_path, text, said):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(SurrogateError, match=said):
        Table.read(tmp_path / "labels.csv", "phase")
    with pytest.raises(ValueError, match=said):
        PhaseClassifierSettings.model_validate({"labels": "labels.csv"}, context={"folder": tmp_path})


def test_the_column_of_phases_may_have_another_name(tmp_path):
    (tmp_path / "labels.csv").write_text("T,kind\n" + "".join(f"{i},{'sq' if i % 2 else 'hex'}\n" for i in range(6)))
    context, data = {"folder": tmp_path}, {"labels": "labels.csv"}
    found = PhaseClassifierSettings.model_validate({**data, "column": "kind"}, context=context)
    assert found.labels == tmp_path / "labels.csv"
    with pytest.raises(ValueError, match=r"no column 'other' with the phase; it has T, kind"):
        PhaseClassifierSettings.model_validate({**data, "column": "other"}, context=context)


@pytest.mark.parametrize(
    ("columns", "arrays", "said"),
    [
        (("x", "lattice"), {"phase_input"}, None),
        (("x", "lattice"), None, None),
        (("x",), {"phase_input"}, "has no column 'lattice', which is a parameter of the space"),
        (("x", "lattice"), {"profile"}, "the simulator returns no array 'phase_input', only profile"),
    ],
)
def test_what_phases_cannot_be_learned_from_is_said_before_anything_runs(tmp_path, columns, arrays, said):
    path = tmp_path / "labels.csv"
    rows = [",".join([*("0" for _ in columns), phase]) for phase in ("sq", "hex") for _ in range(3)]
    path.write_text("\n".join([",".join([*columns, "phase"]), *rows]))
    space = Space({"x": Real(low=0, high=1), "lattice": Choice(choices=("fcc", "bcc"))})
    found = PhaseClassifier.suits(PhaseClassifierSettings(labels=path), space, arrays and frozenset(arrays))
    assert found is None if said is None else said in found


@pytest.mark.parametrize("held_out", [0.01, 0.25, 0.5])
@pytest.mark.parametrize("count", [3, 4, 5, 12])
def test_each_part_has_state_points_of_each_phase(count, held_out):
    labels, points = np.repeat([0, 1], count), np.arange(2 * count)
    images = np.zeros((2 * count, 33, 33), dtype=np.float32)
    parts = Labelled(("hex", "sq"), Examples(images, labels, points), {}).split(held_out, 0.5, seed=0)
    assert sorted(point for part in parts for point in part.points) == list(points)
    assert [set(part.labels) for part in parts] == [{0, 1}] * 3


def test_a_row_is_found_by_its_numbers_and_words(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("T,start,phase\n" + "".join(f"0.{i},{s},{s}\n" for s in ("sq", "hex") for i in (1, 2, 3)))
    points = [
        {"T": 0.1 + 1e-12, "start": "hex"},
        {"T": 0.1001, "start": "hex"},
        {"T": 0.30000000000000004, "start": "sq"},
    ]
    assert Table.read(path, "phase").row_of(points, ["T", "start"]) == [3, None, 2]
    with pytest.raises(SurrogateError, match="no column 'P', which is a parameter of the space"):
        Table.read(path, "phase").row_of(points, ["P"])


def test_one_state_point_in_two_rows_has_one_phase(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("T,phase\n1,sq\n2,sq\n# a comment\n3,sq\n4,hex\n5,hex\n1.0,hex\n")
    with pytest.raises(SurrogateError, match=r"lines 2 and 8 .* sq and hex"):
        Table.read(path, "phase").row_of([{"T": 1.0}], ["T"])
