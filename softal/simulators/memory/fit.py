"""The memory function behind a relaxation, by a whole evolution: the kind `memory_fit`.

A trial is one search by CMA-ES (`softal.theory.evolution`) for one state and one number of stretched exponentials. Over
a list of states this is figure 7 of S. Ciarella, M. Chiappini, E. Boattini, M. Dijkstra, L. M. C. Janssen, Mach.
Learn.: Sci. Technol. 4, 025010 (2023): how many exponentials the memory needs at which temperature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, field_validator

from softal.errors import SimulationError, SoftalError
from softal.kinds.settings import ExistingFile
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.memory.reference import ReferenceSettings, arrays, state_of
from softal.trial import Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View

MOST_MODES = 8


class MemoryFitSettings(ReferenceSettings):
    """Settings of the kind `memory_fit`."""

    references: Annotated[list[ExistingFile], Field(min_length=1)] = Field(
        description="tables as the kind `memory_function` takes them, a state each, which is called as the file "
        "without its suffix; relative to the campaign file"
    )
    rate: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Gamma [1/tau]; none is found with the memory function"
    )
    evaluations: int = Field(60_000, ge=1, description="memory equations that a search may solve at fidelity 1")
    population: int = Field(48, ge=4, le=100_000, description="memory functions in a generation")
    target: float = Field(0.0, ge=0, allow_inf_nan=False, description="error at which a search ends")

    @field_validator("references")
    @classmethod
    def _told_apart(cls, references: list[Path]) -> list[Path]:
        names = [path.stem for path in references]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]!r} is there twice; files of different names are allowed")
        return references

    @property
    def states(self) -> dict[str, Path]:
        """The tables by their states' names."""
        return {path.stem: path for path in self.references}


class MemoryFit(Simulator):
    """A search for a memory function: state, modes -> error, loss, r2, noise, rate; F_s, memory, F_s_reference."""

    Settings: ClassVar[type[MemoryFitSettings]] = MemoryFitSettings
    settings: MemoryFitSettings
    parameters: Mapping[str, str] | None = {
        "state": "one of the setting `references`, without its suffix",
        "modes": "number of stretched exponentials, N_exp",
    }
    defaults: Mapping[str, Value] = {"modes": 2}
    outputs: Outputs | None = None  # values of modes that there are, T where a table names it

    def cards(self, view: View) -> Sequence[Card]:
        """Return the memory functions that were fitted."""
        from softal.simulators.memory.cards import cards

        return cards(view)

    def check(self) -> list[str]:
        """Say what is wrong with the references."""
        problems = []
        for path in self.settings.references:
            try:
                self.settings.relaxation(path)
            except SoftalError as error:
                problems.append(str(error))
        return problems

    def allows(self, name: str, value: Value) -> str | None:
        """Say which states there are, and how many modes there may be."""
        if name == "state" and value not in self.settings.states:
            return f"one of {', '.join(self.settings.states)}"
        if name == "modes" and (isinstance(value, (str, bool)) or value not in range(1, MOST_MODES + 1)):
            return f"a whole number from 1 to {MOST_MODES}"
        return None

    def refuses(self, point: Point) -> str | None:
        """Say which parameter is missing or not allowed."""
        for name in ("state", "modes"):
            value = {**self.defaults, **point}.get(name)
            if value is None or (allowed := self.allows(name, value)):
                return f"{name} is {value!r}; allowed: {allowed if value is not None else 'a value'}"
        return None

    def run(self, point: Point, context: Context) -> Observation:
        """Search, with `fidelity` times as many evaluations as the settings say; return

        - values: error (mean squared difference of F_s), loss (with Lasso), r2, noise (mean squared standard error of
          the reference), rate, c, and w, tau, b of each mode [tau], evaluations; T and T_over_Tmct where known;
        - arrays on the reference's times [tau]: F_s, memory [1/tau], F_s_reference.

        Raises:
            SimulationError: for a state or number of modes that is not allowed, or a reference that is wrong.
        """
        from softal.theory.evolution import Search, fit_memory  # Numba, which other campaigns need not wait for

        if why := self.refuses(point):
            raise SimulationError(why)
        settings, path = self.settings, self.settings.states[str(point["state"])]
        modes = int({**self.defaults, **point}["modes"])
        evaluations = max(1, round(settings.evaluations * context.fidelity))
        try:
            relaxation = settings.relaxation(path)
            search = Search(modes, settings.lasso, settings.rate, settings.population, evaluations, settings.target)
            fit = fit_memory(relaxation, search, context.seed)
        except SoftalError as error:
            raise SimulationError(str(error)) from error
        values = {"error": fit.error, "loss": fit.loss, "r2": fit.r2, "noise": relaxation.noise, "rate": fit.rate}
        values |= {"c": float(fit.memory.c[0]), "evaluations": float(fit.evaluations), **_modes(fit.memory)}
        M = fit.memory.values(relaxation.t)[0]
        return Observation({**values, **state_of(path)}, arrays=arrays(relaxation, fit.F, M))


def _modes(memory: Any) -> dict[str, float]:
    names = ("w", "tau", "b")
    return {f"{n}{i + 1}": float(getattr(memory, n)[0, i]) for i in range(memory.modes) for n in names}
