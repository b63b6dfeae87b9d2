"""The table of a network's dynamics: figures of all states, and which of them are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dynamics_tables import BASE, library, relaxation, state, table

from softal.surrogates.dynamics.table import Dynamics, parse
from softal.theory.kob_andersen import mct_temperature

pytestmark = pytest.mark.filterwarnings("error")


def parsed(*states: dict[str, Any], **changes: Any) -> Dynamics:
    found = parse(table(*states, **changes))
    assert found is not None
    return found


def test_states_go_from_cold_to_hot() -> None:
    found = parsed(*library()[::-1])
    assert [one.scaled for one in found.states] == sorted(one.scaled for one in found.states)
    assert found.interactions == ["LJ", "WCA"]
    assert len(found.counted) == len(found.states) - 1


def test_the_pooled_r2_is_over_all_times_of_the_states_that_count() -> None:
    states = library()
    states[0] = state(0, 0.6, predicted=(relaxation(0.6, np.array(states[0]["t"])) + 0.1).tolist())
    F = np.concatenate([one["F"][1] for one in states[:-1]])
    off = np.concatenate([np.subtract(one["predicted"][1], one["F"][1]) for one in states[:-1]])
    assert parsed(*states).pooled_r2(1) == pytest.approx(1 - np.sum(off**2) / np.sum((F - F.mean()) ** 2))


@pytest.mark.parametrize(("std", "expected"), [(0.6 * BASE, 1.0), (0.2 * BASE, 0.0)])
def test_coverage_counts_what_lies_in_the_band(std: float, expected: float) -> None:
    one = state(0, 1.0, F_error=None)
    assert parsed({**one, "std": np.full_like(one["F"], std).tolist()}).coverage == expected


@pytest.mark.parametrize(("error", "expected"), [(0.6 * BASE, 1.0), (0.0, 0.0)])
def test_coverage_knows_of_the_error_of_what_was_simulated(error: float, expected: float) -> None:
    one = state(0, 1.0)
    same = {"std": np.full_like(one["F"], 1e-9).tolist(), "F_error": np.full_like(one["F"], error).tolist()}
    assert parsed(one | same).coverage == expected


def test_medians_are_of_bins_with_as_many_states_each() -> None:
    scores = (1, 9, 3, 4, 0, 5)
    states = [state(i, 1.0 + i, r2=[score, 0.0]) for i, score in enumerate(scores)]
    x, y = parsed(*states).medians(0)
    np.testing.assert_allclose(x * mct_temperature("LJ", 1.2), [2, 5])
    np.testing.assert_allclose(y, [3, 4])


def test_states_that_are_drawn_are_even_in_the_inverse_temperature() -> None:
    some = parsed(*library()).spread("LJ", 4)
    assert [one.T for one in some] == [0.6, 0.8, 1.5, 5.0]
    assert not any(one.marked for one in some)


def test_where_all_are_marked_they_are_drawn() -> None:
    marks = "crystallized", "not equilibrated"
    found = parsed(*(state(i, 0.5 + i, marked=mark, part="left out") for i, mark in enumerate(marks)))
    assert len(found.spread("LJ", 5)) == 2
    assert np.isnan(found.pooled_r2(0))
    assert np.isnan(found.coverage)


def test_what_was_learned_from_counts_although_it_is_marked() -> None:
    assert parsed(state(0, 0.5, marked="crystallized", part="fold 1")).pooled_r2(0) > 0.9


def test_null_is_not_a_number() -> None:
    found = parsed(state(0, 1.0, r2=[None, 0.5], predicted=[[None] * 30] * 2))
    assert np.isnan(found.states[0].r2[0])
    assert np.isnan(found.pooled_r2(0))


def test_an_untrained_network_says_why() -> None:
    found = parse({"format": 1, "untrained": "4 states are needed, 2 are there"})
    assert found is not None
    assert found.untrained == "4 states are needed, 2 are there"


def test_a_table_of_another_format_is_none() -> None:
    assert parse({"format": 2}) is None
    assert parse({"format": 1}) is None
