"""Experiments that people do: the kind `by_hand`, which says what they measure.

```yaml
simulator: {kind: by_hand, outputs: {density: g/cm3, turbidity: ""}}    # or without units: [density, turbidity]
```

`softal ask` hands out points, `softal tell` takes results; nothing is simulated.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, field_validator

from softal.errors import SimulationError
from softal.kinds.settings import Settings
from softal.kinds.validation import show
from softal.objective.outcome import NAME
from softal.outputs import Outputs
from softal.simulators.base import Context, Simulator
from softal.trial import Observation, Point

TRIAL, FAILED = "trial", "failed"  # columns of a sheet of results that are no values
RESERVED = (TRIAL, FAILED)
ERROR = "_error"  # ends the name under which the standard error of a value is told


class ByHandSettings(Settings):
    """Settings of the kind `by_hand`."""

    outputs: dict[str, str] | tuple[str, ...] = Field(
        description="what is measured: names of values, or value -> its unit, in which results are told and into which "
        "targets are converted"
    )

    @field_validator("outputs")
    @classmethod
    def _names(cls, outputs: Any) -> Any:
        if not outputs:
            raise ValueError("is empty; allowed: one name of a value at least, such as [density]")
        for name in outputs:
            if name in RESERVED or not NAME.fullmatch(name) or name.endswith(ERROR):
                raise ValueError(
                    f"{show(name)} is given; allowed: names of letters, digits, `_`, `.` and `-`, beginning with a "
                    f"letter, other than {', '.join(RESERVED)}, and not ending in {ERROR}, as standard errors do"
                )
        if len(set(outputs)) < len(outputs):
            raise ValueError(f"{show(list(outputs))} is given; allowed: each name once")
        return outputs


class ByHand(Simulator):
    """Experiments that people do: softal ask gives points, softal tell takes what was measured there."""

    Settings: ClassVar[type[ByHandSettings]] = ByHandSettings

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        named = self.settings.outputs
        units = {name: unit for name, unit in named.items() if unit} if isinstance(named, dict) else {}
        self.outputs = Outputs(values=frozenset(named), value_units=units)

    def run(self, point: Point, context: Context) -> Observation:
        """Raise: nobody can do the experiment here."""
        raise SimulationError(self.check()[0])

    def check(self) -> list[str]:
        """Return that nothing runs here."""
        return ["people do these experiments: softal ask FILE gives points, softal tell takes results"]
