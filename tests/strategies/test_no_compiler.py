"""A proposal for two objectives starts no compiler: BoTorch would build a kernel in C++ at the first one."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import torch.utils.cpp_extension
from botorch.acquisition.multi_objective import logei

from softal import strategies
from softal.objective import minimize
from softal.space import Space
from softal.trial import Trial, TrialState

pytestmark = pytest.mark.learning

SPACE = Space({"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}})


def test_no_compiler_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    for place, name in ((torch.utils.cpp_extension, "load"), (subprocess, "Popen")):
        monkeypatch.setattr(place, name, lambda *arguments, **named: started.append((arguments, named)))
    strategy = strategies.build("bayesian", SPACE, minimize("f", "g"), 1, {"n_initial": 5})
    trials = []
    for i in range(6):
        [proposal] = strategy.ask(1)
        x, y = float(proposal.point["x"]), float(proposal.point["y"])
        values = {"f": x**2 + y, "g": (x - 1) ** 2 + y}
        trials.append(Trial(i, proposal.point, state=TrialState.DONE, objective=values, told=i + 1))
        strategy.tell(trials[-1:])
    assert proposal.notes["acquisition"] == "qLogNEHVI"
    assert started == []
    assert logei._C is None
