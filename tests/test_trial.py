"""What proposed a trial, in words."""

import pytest

from softal.trial import Trial

NOTES = [
    ("bayesian", {"acquisition": "initial"}, "Sobol"),
    ("committee", {"acquisition": "initial", "design": "corner of the pool"}, "corner of the pool"),
    ("bayesian", {"acquisition": "qLogNoisyEI", "results": 12, "pending": 1}, "qLogNoisyEI from 12 results, 1 pending"),
    ("bayesian", {"acquisition": "Thompson", "results": 1, "pending": 0}, "Thompson from 1 result"),
    (
        "bayesian",
        {"acquisition": "exploration", "results": 40, "pending": 0, "because": "nothing is expected anywhere"},
        "exploration from 40 results: nothing is expected anywhere",
    ),
    ("bayesian", {"acquisition": "UCB", "results": 7}, "UCB from 7 results"),  # of an older version
    ("bayesian", {"phase": "repeats", "role": "repeat", "centre": 7}, "repeat of trial 7"),
    ("bayesian", {"phase": "local", "role": "step", "centre": 7}, "step from trial 7"),
    ("bayesian", {"acquisition": "UCB", "results": 9, "repeat_of": 3}, "repeat of trial 3"),
    ("cmaes", {"y": [0.1], "run": 0, "generation": 3}, "CMA-ES generation 3"),
    ("cmaes-2", {"y": [0.1], "run": 1, "generation": 0, "member": [1]}, "CMA-ES run 2, generation 0"),
    ("table", {"line": 4}, "table, line 4"),
    ("sobol", {}, "Sobol"),
    ("random", {}, "random"),
    ("my-own", {"anything": object()}, "my-own"),
]


@pytest.mark.parametrize(("proposed_by", "notes", "words"), NOTES)
def test_origin(proposed_by, notes, words):
    trial = Trial(0, {"x": 1.0}, proposed_by=proposed_by, notes=notes)
    assert trial.origin == trial.shown()["origin"] == words
