"""Whatever is done to a valid file, nothing but CampaignFileError comes out, and no rubbish passes."""

from __future__ import annotations

import copy
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_campaign import CALM, VALID, assert_clear, load, plain, written

from softal.errors import CampaignFileError
from softal.orchestrator.campaign_file.schema import CampaignSpec, parse_campaign
from softal.orchestrator.campaign_file.yaml_text import write_yaml

pytestmark = pytest.mark.fuzz


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("campaign"))


JUNK = [
    None, True, False, 0, -1, 1e-300, 1e308, -1e308, 10**30, "", " ", "x", "0", "null", "1e3", "-", "\n", "é", "a: b",
    [], {}, [1], [[]], ["x", "y"], {"kind": "random"}, {"low": 0, "high": 1}, {"": 1}, "x" * 500, [None], {"x": None},
    "toy:Toy", "random", "S_k.csv", "../S_k.csv", "/", "2 GiB", "10 min", "x <= y", "{x}", "%s", "energy",
]  # fmt: skip


def places_in(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in children for found in [(*place, key), *places_in(value, (*place, key))]]


PLACES = places_in(VALID)


@pytest.mark.parametrize("how", ["set", "delete", "add", "rename"])
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(JUNK) | plain), min_size=1, max_size=3))
@settings(CALM, max_examples=100)
def test_mutated_files_give_problems_and_nothing_else(folder: Path, how: str, mutations: list[tuple[Any, Any]]) -> None:
    data = copy.deepcopy(VALID)
    for place, junk in mutations:
        mutate(data, place, junk, how)
    try:
        spec = parse_campaign(data, folder)
    except CampaignFileError as error:
        assert_clear(error)
    else:
        assert_sound(spec, data)


def mutate(data: Any, place: tuple[Any, ...], junk: Any, how: str) -> None:
    for step in place[:-1]:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return
    key = place[-1]
    if isinstance(data, dict):
        if how == "delete":
            data.pop(key, None)
        elif how == "add":
            data[f"{key}_"] = junk
        elif how == "rename" and key in data:
            data[f"{key}s"] = data.pop(key)
        else:
            data[key] = junk
    elif isinstance(data, list) and isinstance(key, int) and key < len(data):
        data[key] = junk


def assert_sound(spec: CampaignSpec, data: dict[str, Any]) -> None:
    """What passed must be usable: every section is of its type, and points can be made and run."""
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", spec.name)
    assert type(spec.seed) is int
    assert spec.space.dimension
    assert spec.space.from_unit([[0.5] * spec.space.dimension])
    assert {key.rstrip() for key in data} <= {*VALID, "toy"}
    budget = spec.budget
    assert any(limit is not None for limit in (budget.trials, budget.hours, budget.target))
    assert all(limit is None or limit > 0 for limit in (budget.trials, budget.hours, budget.stagnation))
    assert spec.built.settings.particles > 0
    assert spec.build_strategy() is not None
    assert spec.workers.concurrent >= 1
    assert math.isfinite(spec.workers.cpus)


@given(st.integers(0, 2000), st.text(alphabet=st.sampled_from("{}[]:,-&*!|>'\"%@`#? \n\tax1.~\x00é"), max_size=4))
@settings(CALM, max_examples=300)
def test_mutated_text_gives_problems_and_nothing_else(folder: Path, position: int, junk: str) -> None:
    text = write_yaml(VALID)
    position %= len(text)
    try:
        spec = load(folder, text[:position] + junk + text[position + 1 :])
    except CampaignFileError as error:
        assert_clear(error)
    else:
        assert spec.space.dimension
