"""What a campaign is, flat and in short texts, by which campaigns are compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from softal.orchestrator.campaign_file.schema import CampaignSpec
from softal.orchestrator.campaign_file.yaml_text import read_yaml

KINDS = ("simulator", "strategy", "surrogate", "learner")
SECTIONS = ("space", "budget", "workers")


def described(spec: CampaignSpec) -> dict[str, str]:
    """Return what stands in a campaign's file of kinds and their settings, space, budget and workers.

    `strategy` is a kind, `strategy.n_initial` its setting as far as the file gives it, `space.sigma` a parameter.
    """
    said = read_yaml(spec.text)
    data: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    found = {}
    for name in KINDS:
        chosen = getattr(spec, name)
        found[name] = "none" if chosen is None else chosen.kind
        entry = data.get(name)
        settings = entry if isinstance(entry, Mapping) else {}
        found |= dict(_flat(name, {key: value for key, value in settings.items() if key != "kind"}))
    for name in SECTIONS:
        entry = data.get(name)
        if isinstance(entry, Mapping):
            found |= {f"{name}.{key}": _text(value) for key, value in entry.items()}
    return found | ({"start_from": ", ".join(spec.start_from)} if spec.start_from else {})


def _flat(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{name}.{key}", value)
        else:
            yield f"{name}.{key}", _text(value)


def _text(value: Any) -> str:
    """Return a range as `3 to 3.8 angstrom`, other things as JSON without its outer brackets."""
    if isinstance(value, Mapping) and {"low", "high"} <= value.keys():
        more = [str(value["unit"])] if value.get("unit") else []
        more += [key for key in ("log", "integer") if value.get(key)]
        return " ".join([f"{value['low']} to {value['high']}", *more])
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    return value if isinstance(value, str) else json.dumps(value, default=str)
