"""A campaign file's simulator, made once for all that the file is held against, and for the campaign after that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softal.errors import SoftalError
from softal.kinds.own_modules import importable
from softal.orchestrator.campaign_file.kinds import Chosen
from softal.simulators import Outputs, Simulator
from softal.trial import Value


@dataclass(frozen=True)
class Made:
    """The simulator, as far as there is one.

    Attributes:
        kind: as in the file.
        simulator: None where its settings are wrong, or it cannot be made.
        parameters, outputs: as declared, by the class where there is no simulator; None where they are not.
        defaults: of parameters.
        wrong: why it cannot be made.
    """

    kind: str
    simulator: Simulator | None = None
    parameters: Mapping[str, str] | None = None
    defaults: Mapping[str, Value] | None = None
    outputs: Outputs | None = None
    wrong: str | None = None


def make(chosen: Chosen[Simulator], folder: Path) -> Made:
    """Make the simulator; no engine is imported by that.

    Args:
        chosen: its kind with settings; without them, what its class declares is all that is known.
        folder: of the campaign file, in which a user's own modules are found.
    """
    try:
        with importable(folder, chosen.kind):
            source: Any = chosen.found if chosen.settings is None else chosen.build()
        parameters, defaults, outputs = source.parameters, source.defaults, source.outputs
    except Exception as error:  # a user's own class can raise anything
        said = str(error) if isinstance(error, SoftalError) else f"{type(error).__name__}: {error}"
        return Made(chosen.kind, wrong=said)
    return Made(
        chosen.kind,
        source if isinstance(source, Simulator) else None,
        # A class may declare these by properties, which have no value without settings.
        parameters if isinstance(parameters, Mapping) else None,
        defaults if isinstance(defaults, Mapping) else None,
        outputs if isinstance(outputs, Outputs) else None,
    )
