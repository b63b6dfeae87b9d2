"""Every kind in the registries is held to the contract of its sort; one that is forgotten fails here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from softal.simulators import SIMULATORS
from softal.strategies import STRATEGIES
from softal.surrogates import LEARNERS, SURROGATES

HERE = Path(__file__).parent
NOT_RUN = {"by_hand"}  # people are, to whom no contract holds: tests/orchestrator/test_ask_and_tell.py
CANDIDATE = r"""class \w+\({contract}\):(?:\n(?:    .*)?)*?\n        return Candidate\(\s*["'](\w+)["']"""


@pytest.mark.parametrize(
    ("part", "contract", "registry"),
    [
        ("simulators", r"\w+Contract", SIMULATORS.keys() - NOT_RUN),
        ("strategies", r"\w+Contract", STRATEGIES),
        ("surrogates", "SurrogateContract", SURROGATES),
        ("surrogates", "LearnerContract", LEARNERS),
    ],
    ids=["simulators", "strategies", "surrogates", "learners"],
)
def test_every_kind_keeps_its_contract(part: str, contract: str, registry: Iterable[str]) -> None:
    candidate = re.compile(CANDIDATE.replace("{contract}", contract))
    files = (HERE / part).rglob("test_*.py")
    assert {kind for path in files for kind in candidate.findall(path.read_text())} == set(registry)
