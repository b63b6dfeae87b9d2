"""A gel between planes: its profile, whether it has set, and its modulus at a strain."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from softal.cards import Card, Picture, Table, View, card, theme
from softal.errors import Problem
from softal.kinds.settings import Settings
from softal.outputs import Flaws, Outputs
from softal.simulators import Context, Simulator
from softal.simulators.target import Meaning, TargetContext
from softal.trial import Array, Observation, Point


class GelSettings(Settings):
    """Settings of the gel."""

    strain: float = Field(0.0, ge=0, description="at which the modulus is measured")


class Gel(Simulator):
    """A gel."""

    Settings = GelSettings
    parameters: ClassVar[Mapping[str, str]] = {"c": "concentration", "q": "charge [e]"}
    outputs = Outputs(
        values=frozenset({"modulus", "set"}),
        arrays=frozenset({"profile", "mesh"}),
        symbols={"profile": "z"},
        log_axes={"profile": "grid"},
        pictured=frozenset({"mesh"}),
        ranges={"modulus": (0.0, np.inf)},
        marks=frozenset({"set"}),
        flaws=Flaws({"set": 0.0}),
    )

    @classmethod
    def target(cls, entry: Mapping[str, Any], context: TargetContext) -> Meaning | list[Problem]:
        """Read `{modulus_at: 0.1}`."""
        strain = entry.get("modulus_at")
        if not isinstance(strain, float):
            return [Problem("modulus_at", f"{strain!r} is given; a strain, such as 0.1, is needed")]
        return Meaning("modulus", {"strain": strain})

    def run(self, point: Point, context: Context) -> Observation:
        """Return the gel's modulus, largest at c = 0.6, q = 2, and its profile."""
        c, q = float(point["c"]), float(point["q"])
        modulus = float(np.exp(-10 * (c - 0.6) ** 2 - (q - 2) ** 2)) * (1 - self.settings.strain)
        z = np.geomspace(0.01, 1, 30)
        arrays = {
            "profile": Array.of(c * np.exp(-q * z), np.full(30, 0.01), z, unit="1/nm^3", grid_unit="nm"),
            "mesh": Array.of(np.outer(z, z)),
        }
        return Observation({"modulus": modulus, "set": float(c > 0.2)}, {"modulus": 0.01}, arrays)

    def cards(self, view: View) -> Sequence[Card]:
        """Show the profile and how many gels have set."""
        profile = view.arrays.get("profile")
        if profile is None:
            return ()
        import plotly.graph_objects as go

        figure = theme.figure(300)
        figure.add_trace(go.Scatter(x=profile.grid, y=profile.values))
        found = card("Gel", f"The profile of {view.label}.", theme.style_axes(figure))
        assert found is not None
        seen = [trial.observation.values["set"] for trial in view.done if trial.observation]
        table = Table(["gels", "set"], [[str(len(seen)), f"{sum(seen):g}"]], [True, True])
        return [Card("Gel", found.text, found.panels, tables=[table], arrays=frozenset({"profile"}))]

    def picture(self, arrays: Mapping[str, Array], title: str) -> Picture | None:
        """Draw the mesh."""
        from PIL import Image

        mesh = arrays["mesh"].values
        stream = io.BytesIO()
        Image.fromarray(np.uint8(255 * mesh / mesh.max())).save(stream, "png")
        return Picture(stream.getvalue(), f"{title}: mesh")
