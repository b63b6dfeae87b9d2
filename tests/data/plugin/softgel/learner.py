"""Learns the mean profile of gels, and keeps a table of how many have set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.cards import Card, Table, View
from softal.surrogates import Learner
from softal.trial import Trial


class GelLearner(Learner):
    """The mean profile of all gels, and how many have set."""

    kind = "gel_learner"

    def _learn(self, done: Sequence[Trial]) -> None:
        """Learn from the gels' profiles."""
        seen = [trial.observation for trial in done if trial.observation is not None]
        self._profile = np.mean([one.arrays["profile"].values for one in seen], axis=0)
        self._gels, self._set = len(seen), int(sum(one.values["set"] for one in seen))

    def metrics(self) -> dict[str, float]:
        """Return the part of the gels that have set."""
        return {"part_set": self._set / self._gels}

    def tables(self) -> dict[str, Any]:
        """Return the table `setting`."""
        return {"setting": {"gels": self._gels, "set": self._set, "profile": self._profile.tolist()}}

    def cards(self, view: View) -> Sequence[Card]:
        """Show the table."""
        found = view.table("setting")
        if found is None:
            return ()
        row = [str(found["gels"]), str(found["set"])]
        return [Card("Setting", "What the learner has seen.", tables=[Table(["gels", "set"], [row], [True, True])])]

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"profile": self._profile}, {"gels": self._gels, "set": self._set}

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._profile, self._gels, self._set = tensors["profile"], state["gels"], state["set"]
