"""The learner of potentials: energies of particles, linear in symmetry functions of what is around them.

It learns from what simulations with the exact interaction return (`data`), chooses functions from a pool one after the
other and fits their coefficients (`fit`), says how many of them are worth having (`selection`), how far energies are to
be believed (`errors`) and where nothing is known (`novelty`). The fit takes seconds, so that it learns while its
campaign runs, and is its strategy's committee (`members`). Simulators load it by `load_potential`.

Source: E. Boattini, N. Bezem, S. N. Punnathanam, F. Smallenburg, L. Filion, J. Chem. Phys. 153, 064902 (2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from softal.errors import SurrogateError, TheoryError
from softal.numeric import Floats
from softal.space import Space
from softal.surrogates.folders import Sought, trained_folder
from softal.surrogates.learner import Learner, part_of
from softal.surrogates.symmetry_potential.data import ARRAYS, Run, runs_of
from softal.surrogates.symmetry_potential.errors import Believed, Whitened
from softal.surrogates.symmetry_potential.novelty import Novelty
from softal.surrogates.symmetry_potential.settings import SymmetryPotentialSettings
from softal.theory.many_body.fitted import FittedPotential
from softal.theory.many_body.symmetry_functions import SymmetryFunctions
from softal.trial import Trial

if TYPE_CHECKING:
    from softal.cards import Card, View

SHOWN = "symmetry_potential"  # name of the table with all that is to be shown
SOUGHT = Sought("symmetry_potential", "potential", "which is no potential", ("dimension", "cutoff", "functions"))


class SymmetryPotential(Learner):
    """A potential of many particles as a linear combination of symmetry functions, learned from exact energies."""

    kind = SOUGHT.kind
    Settings = SymmetryPotentialSettings
    _potential: FittedPotential
    _believed: Believed
    _novelty: Novelty
    _dimension: int

    @classmethod
    def suits(cls, settings: BaseModel, space: Space, arrays: frozenset[str] | None) -> str | None:
        """Return that the simulator lacks an array that it learns from."""
        missing = [] if arrays is None else [name for name in ARRAYS if name not in arrays]
        if not missing:
            return None
        return f"the simulator returns no array {missing[0]!r}, only {', '.join(sorted(arrays or ())) or 'none'}"

    def _learn(self, done: Sequence[Trial]) -> None:
        from softal.surrogates.symmetry_potential.report import evaluate, untrained  # SciPy, needless to simulate
        from softal.surrogates.symmetry_potential.training import Split, train

        settings = self.settings
        try:
            split = Split.of(self._runs(done), settings)
            trained = train(split, settings)
        except (SurrogateError, TheoryError) as error:
            self.untrained = str(error)
            self._shown = untrained(self.untrained)
            return
        candidates, fit = settings.candidates(), trained.fit
        self._dimension = split.runs[0].found.dimension
        self._potential = FittedPotential(candidates.take(fit.order), fit.coefficients, fit.intercept)
        self._believed, self._novelty = trained.believed, trained.novelty
        self._shown = evaluate(split, trained, candidates, settings.intercept)

    def committee(self, trials: Sequence[Trial], seed: int = 0) -> Callable[[Floats], Floats]:
        """Return fits that disagree about environments as they are found at a point; see the base class."""
        from softal.surrogates.symmetry_potential.members import committee

        return committee(self._runs(trials), self.space, self.settings, seed)

    def _runs(self, trials: Sequence[Trial]) -> list[Run]:
        good = self.objective.lessons(trials) if self.objective is not None else list(trials)
        return runs_of(good, self.settings)

    # Energies.

    @property
    def potential(self) -> FittedPotential:
        """What was learned; SurrogateError where nothing was."""
        self._require_potential()
        return self._potential

    @property
    def dimension(self) -> int:
        """Of the configurations: 2 or 3; SurrogateError where nothing was learned."""
        self._require_potential()
        return self._dimension

    def energies(self, positions: Floats, box: Floats) -> tuple[Floats, Floats]:
        """Return each particle's energy in a periodic box, and its standard deviation.

        Args:
            positions: (N, d) [sigma].
            box: its sides, (d,) [sigma].

        Returns:
            (N,) and (N,), in the unit of what was learned from. The standard deviation is of what the functions do not
            say, calibrated on runs that were held out; it means nothing where `far` says so.

        Raises:
            SurrogateError: nothing was learned, the configuration is of another dimension, or the cutoff is more than
                half the box.
        """
        Z = self._values(positions, box)
        return Z @ self._potential.coefficients + self._potential.intercept, self._believed.sd(Z)

    def far(self, positions: Floats, box: Floats) -> NDArray[np.bool_]:
        """Return of each particle (N,) whether what is around it is far from all that was learned from.

        Args and Raises: as of `energies`.
        """
        return self._novelty.far(self._values(positions, box))

    def _values(self, positions: Floats, box: Floats) -> Floats:
        self._require_potential()
        positions, box = np.asarray(positions, dtype=np.float64), np.asarray(box, dtype=np.float64)
        if positions.ndim == 2 and positions.shape[1] != self._dimension:
            raise SurrogateError(
                f"a configuration of {positions.shape[1]} dimensions is given to a potential of {self._dimension}"
            )
        try:
            return self._potential.functions.values(positions, box)
        except TheoryError as error:
            raise SurrogateError(str(error)) from None

    # What is shown.

    def metrics(self) -> dict[str, float]:
        """Return RMSE [energy] and R^2 on both sides, coverage of 95 % intervals, functions, environments."""
        from softal.surrogates.symmetry_potential.report import metrics

        return metrics(self._shown)

    def cards(self, view: View) -> Sequence[Card]:
        """Return how the functions were chosen, and energies of unseen runs beside what is predicted of them."""
        from softal.surrogates.symmetry_potential.cards import cards

        return cards(view)

    def tables(self) -> dict[str, Any]:
        """Return `symmetry_potential`: all that is to be shown, or why nothing was learned."""
        return {SHOWN: self._shown}

    # What is kept.

    def _require_potential(self) -> None:
        self._require_fit()
        if self.untrained:
            raise SurrogateError(f"the potential is not trained: {self.untrained}")

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        state: dict[str, Any] = {"untrained": self.untrained, SHOWN: self._shown}
        if self.untrained is not None:
            return {}, state
        potential, believed, novelty = self._potential, self._believed, self._novelty
        functions = potential.functions
        tensors = {"radial": functions.radial, "angular": functions.angular, "coefficients": potential.coefficients}
        for part, known in (("believed", believed.known), ("novelty", novelty.known)):
            tensors |= {f"{part}.{name}": values for name, values in vars(known).items()}
        state |= {"dimension": self._dimension, "cutoff": functions.cutoff, "functions": len(functions)}
        state |= {"intercept": potential.intercept, "threshold": novelty.threshold}
        state["believed"] = {name: getattr(believed, name) for name in ("s", "a", "b", "intercept")}
        return tensors, state

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._shown, self.untrained = dict(state[SHOWN]), state["untrained"]
        if self.untrained is not None:
            return
        try:
            functions = SymmetryFunctions(float(state["cutoff"]), tensors["radial"], tensors["angular"])
            self._potential = FittedPotential(functions, tensors["coefficients"], float(state["intercept"]))
        except TheoryError as error:
            raise ValueError(str(error)) from None
        known = {part: Whitened(**part_of(part, tensors)) for part in ("believed", "novelty")}
        m = state["functions"]
        for part, one in known.items():
            if (len(functions), one.centre.shape, one.W.shape) != (m, (m,), (m, m)):
                raise ValueError(f"its {part!r} is not of {m} functions")
        self._believed = Believed(known["believed"], **state["believed"])
        self._novelty = Novelty(known["novelty"], float(state["threshold"]))
        self._dimension = state["dimension"]
        if self._dimension not in (2, 3):
            raise ValueError(f"its dimension is {self._dimension}; allowed: 2 or 3")

    def _prove(self) -> None:
        super()._prove()
        if self.untrained is None:
            lone, box = np.zeros((1, self._dimension)), np.full(self._dimension, 2 * self._potential.functions.cutoff)
            with np.errstate(all="ignore"):
                found = (*self.energies(lone, box), self.far(lone, box))
            if not all(np.isfinite(one).all() for one in found):
                raise ValueError("its energies are not finite")


def load_potential(path: str | Path) -> SymmetryPotential:
    """Return the potential in a learner's folder, or the latest one in a campaign's folder.

    Raises:
        SurrogateError: in one line, what is missing there.
    """
    return SymmetryPotential.load(potential_folder(path))


def potential_folder(path: str | Path, called: str | None = None) -> Path:
    """Return the folder of the potential that `load_potential` loads; reads no more than `model.json`.

    In its `state`, `dimension`, `cutoff` [sigma] and `functions`, how many there are, are the potential's. Its
    `provenance["simulator"]` says whose trials it learned from.

    Args:
        path: of a learner's or a campaign's folder.
        called: what a message calls that; the path where None.

    Raises:
        SurrogateError: in one line, what is missing there.
    """
    return trained_folder(path, SOUGHT, called)
