"""The network of dynamics: F_s(k_p, t) of both species from S(k), temperature, density and interaction.

A campaign over states of the Kob-Andersen mixture trains it, once, at its end. The networks are in `ensemble` and
`paper`, S(k) of states that were not simulated in `statics`, how good it all is on states that it has not seen in
`report`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, Field

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.outputs import Flaws
from softal.space import Space
from softal.surrogates.dynamics import committee as dynamics_committee
from softal.surrogates.dynamics.data import REQUIRED, SCATTERING, DynamicsData, features_of
from softal.surrogates.dynamics.ensemble import Committee, ShapedCommittee, TrainingSettings, train
from softal.surrogates.dynamics.paper import PaperCommittee
from softal.surrogates.dynamics.refusal import Known, outside
from softal.surrogates.dynamics.report import Calibration, evaluate, metrics, untrained
from softal.surrogates.dynamics.statics import Statics
from softal.surrogates.dynamics.training import HeldOut, parts_of
from softal.surrogates.learner import Learner, part_of
from softal.theory.kob_andersen import INTERACTIONS
from softal.trial import Trial, Value

if TYPE_CHECKING:
    from softal.cards import Card, View

SHOWN = "dynamics"  # name of the table with all that is to be shown
ELSEWHERE = ("crystallized",)  # in models that were saved before they carried it
TIMES = 120  # of curves that are predicted for pages
ARCHITECTURES: dict[str, type[Committee]] = {"ensemble": ShapedCommittee, "paper": PaperCommittee}


class DynamicsNetworkSettings(TrainingSettings):
    """Settings of the network of dynamics."""

    folds: int = Field(6, ge=2, le=50, description="parts that the states are split into; each is left out once")
    marked: bool = Field(False, description="learn from trials that crystallized or did not equilibrate, too")
    seed: int = Field(0, ge=0, description="of first weights, of folds, and of draws of the noise")


class DynamicsNetwork(Learner):
    """Networks for F_s(k_p, t), which are trained when their campaign ends."""

    kind = "dynamics_network"
    Settings = DynamicsNetworkSettings
    trained: ClassVar[Literal["continuously", "at_end"]] = "at_end"
    _known: Known | None = None

    @classmethod
    def suits(cls, settings: BaseModel, space: Space, arrays: frozenset[str] | None) -> str | None:
        """Return that the space has no temperature, or that the simulator lacks an array that networks need."""
        if "T" not in space.all_names:
            return f"it learns dynamics over T (rho, interaction); the space has {', '.join(space.all_names)}"
        missing = [] if arrays is None else [name for name in REQUIRED if name not in arrays]
        if not missing:
            return None
        return f"the simulator returns no array {missing[0]!r}, only {', '.join(sorted(arrays or ())) or 'none'}"

    def _learn(self, done: Sequence[Trial]) -> None:
        self._known = None
        try:
            data = DynamicsData.of(done, self._flaws)
            self._known = Known.of(data, self._flaws)
            self._train(data)
        except SurrogateError as error:
            self.untrained = str(error)
            self._shown = untrained(self.untrained)

    def committee(self, trials: Sequence[Trial], seed: int = 0) -> Callable[[Floats], Floats]:
        """Learn the dynamics alone, and return the members' F_s of A and B at the same times; see the base class."""
        return dynamics_committee.committee(trials, self.space, self.settings, seed, self._flaws)

    @property
    def _flaws(self) -> Flaws:
        return self.objective.flaws if self.objective is not None else Flaws()

    def _train(self, data: DynamicsData) -> None:
        began = time.perf_counter()
        learned = data.good | self.settings.marked
        committee = train(data.rows(learned), self.settings, self.settings.seed)
        assert committee.held_out is not None  # there are folds
        self._calibration = Calibration.of(data.rows(learned), committee.held_out)
        self._committee = committee
        unseen = _of_all(data, learned, committee)
        self._shown = evaluate(data, learned, unseen, self._calibration, time.perf_counter() - began)
        self._shown["architecture"] = self.settings.architecture
        self._shown["statics_rmse"] = committee.statics.errors.tolist()

    # Dynamics.

    def curves(self, points: Sequence[Mapping[str, Value]], t: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and standard deviation (n, 2, n_t) of F_s(k_p, t) of A and B, with S(k) between those simulated.

        Args:
            points: n of them, with T, and rho and interaction unless they are the simulator's defaults.
            t: (n_t,) times > 0 [tau].

        Raises:
            SurrogateError: a time is not above 0, a point is impossible, or there is no network.
        """
        self._require_network()
        return self._curves(self._committee.features(points), t)

    def curves_of(
        self, S: ArrayLike, T: ArrayLike, rho: ArrayLike, interaction: Sequence[str], t: ArrayLike
    ) -> tuple[Floats, Floats]:
        """Return what `curves` returns for measured S(k).

        Args:
            S: (n, 3, n_k) S_AA, S_AB, S_BB at the wave numbers of the simulations.
            T: (n,) temperatures [epsilon_AA / k_B].
            rho: (n,) densities [1 / sigma_AA^3].
            interaction: n of "LJ", "WCA".
            t: (n_t,) times > 0 [tau].

        Raises:
            SurrogateError: shapes differ, an interaction is not known, a time is not above 0, or there is no network.
        """
        self._require_network()
        S, T, rho = (np.asarray(part, dtype=np.float64) for part in (S, T, rho))
        if unknown := [name for name in interaction if name not in INTERACTIONS]:
            raise SurrogateError(f"interaction: {unknown[0]!r} is given; {' or '.join(INTERACTIONS)} is allowed")
        n, n_k = len(interaction), self._committee.statics.compression.mean.size // 3
        if S.shape != (n, 3, n_k) or T.shape != (n,) or rho.shape != (n,):
            raise SurrogateError(
                f"S, T, rho have shapes {S.shape}, {T.shape}, {rho.shape}; ({n}, 3, {n_k}), ({n},), ({n},) are needed"
            )
        numbers = np.array([INTERACTIONS.index(name) for name in interaction], dtype=np.intp)
        return self._curves(features_of(S, T, rho, numbers), t)

    def statics(self, points: Sequence[Mapping[str, Value]]) -> Floats:
        """Return S_AA, S_AB, S_BB (n, 3, n_k) at points, interpolated; SurrogateError without a network."""
        self._require_network()
        return parts_of(self._committee.features(points))[0]

    def predict_arrays(self, points: Sequence[Mapping[str, Value]]) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Return F_s_A and F_s_B, as the simulator calls them, at times even in log t; see the base class."""
        self._require_network()
        times = [t for state in self._shown["states"] for t in (min(state["t"]), max(state["t"]))]
        t = np.geomspace(min(times), max(times), TIMES)
        mean, std = self.curves(points, t)
        return {name: (t, mean[:, i], std[:, i]) for i, name in enumerate(SCATTERING)}

    def refuses(self, point: Mapping[str, Value]) -> str | None:
        """Return why nothing should be predicted at a point: outside, colder than the liquid known, in the crystal."""
        if reason := outside(self.space, point):
            return reason
        return None if self._known is None else self._known.refuses(point)

    def metrics(self) -> dict[str, float]:
        """Return R2 and coverage on states left out; empty without a network."""
        return metrics(self._shown)

    def cards(self, view: View) -> Sequence[Card]:
        """Return the relaxation that was simulated and predicted."""
        from softal.surrogates.dynamics.cards import cards

        return cards(view)

    def tables(self) -> dict[str, Any]:
        """Return `dynamics`: all that is to be shown of the networks, or why there are none."""
        return {SHOWN: self._shown}

    def _curves(self, features: Floats, t: ArrayLike) -> tuple[Floats, Floats]:
        times = np.asarray(t, dtype=np.float64)
        if times.ndim != 1 or not np.all(np.isfinite(times) & (times > 0)):
            wrong = next(
                (f"{value:g}" for value in times.reshape(-1) if not 0 < value < np.inf), f"shape {times.shape}"
            )
            raise SurrogateError(f"t: {wrong} is given; a list of times above 0 [tau] is allowed")
        mean, variance = _moments(self._committee, features, np.log10(times))
        return mean, np.sqrt(self._calibration.variance(mean, variance))

    def _require_network(self) -> None:
        self._require_fit()
        if self.untrained:
            raise SurrogateError(f"the network of dynamics is not trained: {self.untrained}")

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {}
        state: dict[str, Any] = {"untrained": self.untrained, SHOWN: self._shown}
        state["known"] = None if self._known is None else [list(one) for one in self._known.states]
        state["elsewhere"] = [] if self._known is None else list(self._known.elsewhere)
        if self.untrained is None:
            statics, state["statics"] = self._committee.statics.to_tensors()
            networks = self._committee.to_tensors()
            parts = {"statics": statics, "committee": networks, "calibration": vars(self._calibration)}
            tensors |= {f"{part}.{name}": v for part, found in parts.items() for name, v in found.items()}
        return tensors, state

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        elsewhere = state.get("elsewhere", ELSEWHERE)
        self._known = None if state["known"] is None else Known.from_json(state["known"], elsewhere)
        self._shown, self.untrained = dict(state[SHOWN]), state["untrained"]
        if self.untrained is None:
            statics = Statics.from_tensors(part_of("statics", tensors), state["statics"])
            made = ARCHITECTURES[self.settings.architecture]
            self._committee = made.from_tensors(part_of("committee", tensors), self.settings, statics)
            self._calibration = Calibration(**part_of("calibration", tensors))


def _moments(committee: Committee, features: Floats, log_t: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance (n, 2, n_t) of the networks' F_s at log10 t (n_t,) or (n, n_t)."""
    F = np.swapaxes(committee.predict(features, log_t), 2, 3)
    return F.mean(axis=0), F.var(axis=0, ddof=min(1, committee.size - 1))


def _of_all(data: DynamicsData, learned: NDArray[np.bool_], committee: Committee) -> HeldOut:
    """Return predictions of all trials by networks that have not seen their states; fold -1: none has."""
    found = committee.held_out
    assert found is not None
    there = np.isfinite(data.t)[:, None]
    log_t = np.log10(np.where(there[:, 0], data.t, 1.0))
    mean, variance = (np.where(there, part, np.nan) for part in _moments(committee, data.features, log_t))
    mean[learned], variance[learned] = found.mean, found.variance
    fold = np.full(len(data), -1, dtype=np.intp)
    fold[learned] = found.fold
    return HeldOut(fold, mean, variance)
