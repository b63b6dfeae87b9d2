"""Learns the modulus, and keeps a table of which gels have set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from softal.cards import Card, Table, View
from softal.surrogates.gaussian_processes.gp import GaussianProcess
from softal.trial import Trial


class GelLearner(GaussianProcess):
    """A Gaussian process with a table."""

    kind = "gel_learner"

    def fit(self, trials: Sequence[Trial]) -> None:
        """Learn, and count."""
        super().fit(trials)
        self.provenance["gels"] = len(trials)

    def tables(self) -> dict[str, Any]:
        """Return the table `setting`."""
        return {"setting": {"gels": self.provenance.get("gels", 0)}}

    def cards(self, view: View) -> Sequence[Card]:
        """Show the table."""
        found = view.table("setting")
        if found is None:
            return ()
        return [Card("Setting", "What the learner has seen.", tables=[Table(["gels"], [[str(found["gels"])]], [True])])]
