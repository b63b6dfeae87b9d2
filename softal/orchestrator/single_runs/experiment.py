"""What `softal simulate` runs: a campaign file's simulator or a kind, with settings, a point and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softal import simulators
from softal.errors import CampaignFileError, Problem, SpaceError
from softal.kinds.validation import unknown
from softal.objective import Objective
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.campaign_file.kinds import Chosen, read_kind
from softal.orchestrator.campaign_file.schema import load_campaign_file
from softal.orchestrator.campaign_file.yaml_text import read_yaml
from softal.orchestrator.points import from_text, read_points
from softal.simulators import Simulator
from softal.tracking.database import DATABASE
from softal.trial import Point


@dataclass(frozen=True)
class Experiment:
    """What is simulated.

    Attributes:
        kind: of the simulator.
        simulator: with its settings.
        point: complete as far as the simulator's defaults go.
        objective: of the campaign file; None where a kind is simulated.
        seeds: one for each run.
        fidelity: in (0, 1].
        source: folder in which a user's own modules and files are.
        cpus, gpus: of one run.
    """

    kind: str
    simulator: Chosen[Simulator]
    point: Point
    objective: Objective | None
    seeds: tuple[int, ...]
    fidelity: float
    source: Path
    cpus: float = 1.0
    gpus: float = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        """The simulator's settings, defaults included, as JSON has them."""
        assert self.simulator.settings is not None
        return self.simulator.settings.model_dump(mode="json")


def read_experiment(
    what: str, at: str | None, changes: Sequence[str], *, fidelity: float, seed: int, repeats: int
) -> Experiment:
    """Return what the command line asks for.

    Args:
        what: a campaign file, the folder of a campaign that was launched, or the kind of a simulator.
        at: the point, as `name=value,name=value`.
        changes: settings of the simulator, each as `name=value`.
        fidelity: in (0, 1].
        seed: of the first run; the others have those that follow.
        repeats: number of runs.

    Raises:
        CampaignFileError, SpaceError: naming what is wrong and what is allowed.
    """
    seeds = tuple(range(seed, seed + repeats))
    path = Path(what)
    launched = (path / DATABASE).is_file()
    if not launched and not path.is_file():
        if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
            raise CampaignFileError([Problem("", f"there is no file {path}")])
        chosen = _choose({"kind": what}, changes, Path())
        return Experiment(what, chosen, _free_point(chosen, at), None, seeds, fidelity, Path.cwd())
    spec = Campaign.open(path, own_code=True).spec if launched else load_campaign_file(path)
    entry = read_yaml(spec.text)["simulator"]
    entry = dict(entry) if isinstance(entry, Mapping) else {"kind": entry}
    assert spec.simulator.settings is not None
    of_targets = spec.simulator.settings.model_dump(mode="json", exclude_unset=True)
    chosen = _choose({**of_targets, **entry}, changes, spec.folder)
    if at is None:
        example = ",".join(f"{name}=..." for name in spec.space.names)
        raise SpaceError(f"no point is given; give one with --at '{example}'")
    [point] = read_points(spec.space, [at])
    workers = spec.workers
    return Experiment(
        chosen.kind, chosen, point, spec.objective, seeds, fidelity, spec.folder, workers.cpus, workers.gpus
    )


def _choose(entry: dict[str, Any], changes: Sequence[str], folder: Path) -> Chosen[Simulator]:
    problems: list[Problem] = []
    for change in changes:
        name, equals, value = (part.strip() for part in change.partition("="))
        if not (name and equals and value) or name == "kind":
            problems.append(Problem(f"--set {change!r}", "name=value is allowed, such as 'particles=375'"))
        else:
            entry[name] = read_yaml(value)
    chosen = read_kind("simulator", entry, simulators.find, folder, problems)
    if problems or chosen is None:
        raise CampaignFileError(problems)
    return chosen


def _free_point(chosen: Chosen[Simulator], at: str | None) -> Point:
    """Return the point of a simulator without a space: what is given, and the simulator's defaults."""
    simulator = chosen.build()
    given = from_text(at or "")
    accepted = simulator.parameters
    if accepted is not None:
        if strangers := [name for name in given if name not in accepted]:
            raise SpaceError(f"--at: {unknown(strangers[0], accepted, 'parameter')}")
        if missing := [name for name in accepted if name not in given and name not in simulator.defaults]:
            described = ", ".join(f"{name} ({accepted[name]})" if accepted[name] else name for name in missing)
            raise SpaceError(f"--at lacks {described}; give --at '{','.join(f'{name}=...' for name in missing)}'")
    return {**simulator.defaults, **{name: _scalar(value) for name, value in given.items()}}


def _scalar(text: str) -> Any:
    value = read_yaml(text)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
