"""Settings of the kind `transition_path`: the two clusters, and how long is looked for a path."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from softal.errors import SoftalError
from softal.kinds.settings import ExistingFile, Settings
from softal.simulators.transition_path.files import groups_of, read_cluster
from softal.theory.clusters.alignment import check_pair
from softal.theory.clusters.stationary import check_atoms, energy
from softal.theory.clusters.structures import Pair, pair

Energy = Annotated[float, Field(allow_inf_nan=False)]


class TransitionPathSettings(Settings):
    """Settings of the kind `transition_path`."""

    cluster: Literal["lj7_plane", "lj13", "lj38", "files"] = Field(
        "lj38",
        description="of Lennard-Jones atoms: lj38 from the fcc truncated octahedron to the icosahedral minimum, lj13 "
        "from the cuboctahedron, a saddle, to the icosahedron, lj7_plane from a hexagon to one with an atom of the "
        "ring and that of the centre exchanged, in the plane; or of the files `start` and `end`",
    )
    start: ExistingFile | None = Field(
        None,
        description="with `cluster: files`, an XYZ or GSD file in sigma; atoms of different names keep their places",
    )
    end: ExistingFile | None = Field(None, description="likewise")
    starts: int = Field(300, ge=1, le=100_000, description="random rotations from which ends are aligned")
    representation: Literal["prolate", "sines", "polynomials", "network"] = Field(
        "prolate", description="of the trajectory whose action is minimised: functions of time, or a network"
    )
    optimiser: Literal["gauss_newton", "nadam"] = Field("gauss_newton", description="of the action")
    iterations: int = Field(15, ge=0, le=1_000_000, description="of the optimiser, at most")
    inner: int = Field(200, ge=1, le=100_000, description="LSMR iterations of one of Gauss-Newton, at most")
    rate: float = Field(1e-3, gt=0, le=1.0, description="learning rate of NADAM")
    energy: Energy | None = Field(
        None, description="E_0 of the trajectory [epsilon]; none is 6 epsilon above the higher end"
    )
    bands: int = Field(
        40, ge=0, le=100_000, description="elastic bands between minima that are not yet connected, at most"
    )
    searches: int = Field(
        6000, ge=0, le=10_000_000,
        description="for saddles that make the highest one of the path lower, at fidelity 1",
    )  # fmt: skip
    timing: bool = Field(True, description="return `seconds`, which no seed repeats")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        given = [name for name in ("start", "end") if getattr(self, name) is not None]
        if self.cluster != "files" and given:
            raise ValueError(f"{given[0]}: a file is read with `cluster: files` only")
        if self.cluster == "files" and len(given) < 2:
            missing = "end" if given == ["start"] else "start"
            raise ValueError(f"{missing}: `cluster: files` needs the files of both end points")
        if self.cluster == "files" or self.energy is not None:
            try:
                self.check_energy(self.pair())
            except SoftalError as error:
                raise ValueError(str(error)) from error
        return self

    def pair(self) -> Pair:
        """Return the end points; SoftalError where the files hold none that can be."""
        if self.start is None or self.end is None:
            return pair(self.cluster)
        (start, names), (end, others) = read_cluster(self.start), read_cluster(self.end)
        check_pair(start, end)
        for x, name in ((start, "start"), (end, "end")):
            check_atoms(x, name)
        if sorted(names) != sorted(others):
            raise SoftalError("the end points have atoms of different names; allowed: the same ones, in any order")
        # Places of the end in the order of the start's names.
        order, back = np.argsort(others, kind="stable"), np.argsort(np.argsort(names, kind="stable"))
        return Pair(start, end[order][back], groups_of(names))

    def check_energy(self, ends: Pair) -> None:
        """Raise SoftalError where E_0 is below the potential energy of an end point."""
        for x, name in ((ends.start, "start"), (ends.end, "end")):
            if self.energy is not None and self.energy < energy(x):
                raise SoftalError(
                    f"energy: E_0 = {self.energy:.9g} is below the {name}'s potential energy {energy(x):.9g}; allowed: "
                    "at least that"
                )
