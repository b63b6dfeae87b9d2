"""Every kind in the registries is held to the contract of its sort; one that is forgotten fails here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from softal.simulators import SIMULATORS
from softal.strategies import STRATEGIES
from softal.surrogates import SURROGATES

HERE = Path(__file__).parent
CANDIDATE = re.compile(r"""class \w+\(\w+Contract\):(?:\n(?:    .*)?)*?\n        return Candidate\(\s*["'](\w+)["']""")


@pytest.mark.parametrize(
    ("part", "registry"),
    [("simulators", SIMULATORS), ("strategies", STRATEGIES), ("surrogates", SURROGATES)],
    ids=["simulators", "strategies", "surrogates"],
)
def test_every_kind_keeps_its_contract(part: str, registry: Mapping[str, str]) -> None:
    files = (HERE / part).rglob("test_*.py")
    assert {kind for path in files for kind in CANDIDATE.findall(path.read_text())} == set(registry)
