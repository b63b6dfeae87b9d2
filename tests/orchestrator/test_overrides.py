import pytest

from softal.errors import CampaignFileError
from softal.orchestrator.campaign_file.overrides import with_changes
from softal.orchestrator.campaign_file.yaml_text import read_yaml

TEXT = "strategy: sobol  # a comment\nobjective: {maximize: {phase: qc12, classifier: runs/a}}\nbudget: {trials: 5}\n"


def test_a_text_without_changes_stays_word_for_word() -> None:
    assert with_changes(TEXT, []) == TEXT


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("budget.trials=20", {"budget": {"trials": 20}}),
        ("strategy=bayesian", {"strategy": "bayesian"}),
        ("strategy.seed=3", {"strategy": {"kind": "sobol", "seed": 3}}),
        ("strategy={kind: mixture, strategies: [cmaes]}", {"strategy": {"kind": "mixture", "strategies": ["cmaes"]}}),
        ("objective.maximize.phase=qc18", {"objective": {"maximize": {"phase": "qc18", "classifier": "runs/a"}}}),
        ("workers.concurrent=4", {"workers": {"concurrent": 4}}),
        ("objective.maximize=a=b", {"objective": {"maximize": "a=b"}}),
    ],
)
def test_a_change_replaces_what_stands_at_its_place(change: str, expected: dict[str, object]) -> None:
    assert read_yaml(with_changes(TEXT, [change])) == {**read_yaml(TEXT), **expected}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("budget.trials", "allowed: place=value"),
        ("=3", "allowed: place=value"),
        ("budget..trials=3", "allowed: place=value"),
        ("budget.trials.more=3", "`budget.trials` holds no mapping"),
    ],
)
def test_a_change_that_cannot_be_made_is_one_clear_line(change: str, said: str) -> None:
    with pytest.raises(CampaignFileError, match=said) as caught:
        with_changes(TEXT, [change, "budget.hours=1"])
    assert len(caught.value.problems) == 1
