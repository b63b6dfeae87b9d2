"""Changes to a campaign file from the command line: `--set strategy=bayesian`, `--set budget.trials=20`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from softal.errors import CampaignFileError, Problem
from softal.kinds.validation import show
from softal.orchestrator.campaign_file.yaml_text import read_yaml, write_yaml


def with_changes(text: str, changes: Sequence[str]) -> str:
    """Return the text of a campaign file with changes `place=value`; comments are lost where there are any.

    A place is a key, or keys with dots between; what is not there yet is made. The value is read as YAML, and replaces
    all that stands at the place.

    Raises:
        CampaignFileError: if a change is not of that form, or leads into something that is no mapping.
    """
    if not changes:
        return text
    data = read_yaml(text)
    problems: list[Problem] = []
    for change in changes:
        _change(data, change, problems)
    if problems:
        raise CampaignFileError(problems)
    return write_yaml(data)


def _change(data: Any, change: str, problems: list[Problem]) -> None:
    place, equals, value = change.partition("=")
    keys = place.strip().split(".")
    if not equals or not all(keys):
        problems.append(Problem("--set", f"{show(change)} is given; allowed: place=value, such as budget.trials=20"))
        return
    for i, key in enumerate(keys[:-1], start=1):
        data = _inside(data, key)
        if data is None:
            place = ".".join(keys[:i])
            problems.append(Problem("--set", f"{show(change)} is given, but `{place}` holds no mapping"))
            return
    if not isinstance(data, dict):
        problems.append(Problem("--set", f"{show(change)} is given, but the file holds no mapping"))
        return
    data[keys[-1]] = read_yaml(value)


def _inside(data: Any, key: str) -> dict[str, Any] | None:
    """Return the mapping under a key; a kind that stands alone becomes `{kind: ...}`, and what is missing is made."""
    if not isinstance(data, dict):
        return None
    if data.get(key) is None:
        data[key] = {}
    elif isinstance(data[key], str) and key in ("simulator", "strategy", "surrogate", "learner"):
        data[key] = {"kind": data[key]}
    inside = data[key]
    return inside if isinstance(inside, dict) else None
