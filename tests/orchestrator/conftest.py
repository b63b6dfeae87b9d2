"""Campaigns of the test simulators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from softal.orchestrator.campaign import Campaign

HERE = Path(__file__).parent


@pytest.fixture
def make_campaign(tmp_path: Path) -> Callable[..., Campaign]:
    """Return a function that makes a campaign of the test simulators in a folder of its own."""
    return maker(tmp_path)


@pytest.fixture(scope="module")
def make_shared_campaign(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Campaign]:
    """The same for a campaign that several tests look at."""
    return maker(tmp_path_factory.mktemp("shared"))


def maker(folder: Path) -> Callable[..., Campaign]:
    def make(**changes: Any) -> Campaign:
        data: dict[str, Any] = {
            "name": "test",
            "simulator": {"kind": "simulations:Bowl"},
            "space": {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}},
            "objective": {"minimize": "f"},
            "strategy": "random",
            "surrogate": "none",
            "tracking": {"mlflow": "off"},
            "budget": {"trials": 6},
            "workers": {"concurrent": 2, "cpus": 1, "grace": "1 s"},
            "seed": 1,
        }
        return Campaign(runs=folder / "runs", folder=HERE, **{**data, **changes})

    return make
