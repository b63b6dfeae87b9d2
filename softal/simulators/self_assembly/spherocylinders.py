"""Rods with a soft corona in space: layers that are liquids, crystals, and quasicrystals.

Spherocylinders of length L interact by the softened-core shoulder of the shortest distance d_m of their axes,

    u/epsilon = (sigma/d_m)^14 + (1 - tanh(k (d_m - delta)))/2.

Units: sigma, epsilon; T is k_B T/epsilon, rho is N sigma^3/V, P is beta P sigma^3.

Source: chapter 7 of E. Boattini's thesis (Utrecht, 2021); H. Pattabhiraman, M. Dijkstra, Soft Matter 13, 4418 (2017).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from softal.simulators.self_assembly.self_assembly import SelfAssembly, SelfAssemblySettings, number
from softal.trial import Point

if TYPE_CHECKING:
    from softal.simulators.monte_carlo.system import Configuration, MonteCarlo

STARTS = ("smectic", "square", "hexagonal", "isotropic")
SYMMETRIES = (4, 6, 12)
DILUTE, LAYERED = 0.03, 0.1  # [1/sigma^3] densities of isotropic and layered starts at constant pressure


class SpherocylinderSettings(SelfAssemblySettings):
    """Settings of spherocylinders."""

    ensemble: Literal["npt", "nvt"] = Field("nvt", description="constant pressure `P`, or constant density `rho`")
    particles: int = Field(432, ge=100, le=20_000, description="number of rods; a multiple of `layers`")
    layers: int = Field(3, ge=1, le=50, description="of rods in the box, for starts in layers")
    start: Literal["smectic", "square", "hexagonal", "isotropic"] = Field(
        "smectic", description="configuration that a run starts from; the parameter of this name goes before"
    )
    box_moves: Literal["shape", "isotropic"] = Field(
        "shape", description="`shape`: L_z changes against L_x and L_y, so that layers find their distance"
    )

    def misfit(self, start: str) -> str | None:
        """Return why these rods cannot start in such layers; None where they can."""
        n, layers = self.particles, self.layers
        if start != "isotropic" and n % layers:
            return f"{n} is given; {layers} layers need a multiple, such as {layers * round(n / layers)}"
        per_layer = n // layers
        if start == "square" and math.isqrt(per_layer) ** 2 != per_layer:
            fits = layers * round(math.sqrt(per_layer)) ** 2
            return f"{n} is given; {layers} layers of square crystals need n^2 rods each, such as {fits} in all"
        if start == "hexagonal" and per_layer % 2:
            return f"{n} is given; {layers} layers of hexagonal crystals need an even number of rods each"
        return None


class Spherocylinders(SelfAssembly):
    """Rods with a soft corona in space: T, rho (or P), delta, k, length -> phase."""

    Settings: ClassVar[type[SpherocylinderSettings]] = SpherocylinderSettings
    settings: SpherocylinderSettings
    dimension: ClassVar[int] = 3
    starts = STARTS
    defaults: Mapping[str, Any] = {"delta": 1.35, "k": 10.0, "length": 5.0, "start": "smectic"}
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "T": (0.0, 10.0),
        "P": (0.0, 1000.0),
        "rho": (0.0, 0.5),
        "delta": (1.0, 3.0),
        "length": (0.0, 50.0),
    }
    _order_names = ("nematic", "smectic", *(f"symmetry_{m}" for m in SYMMETRIES))

    @property
    def parameters(self) -> Mapping[str, str]:  # type: ignore[override]
        """What a point holds, which depends on the ensemble."""
        npt = self.settings.ensemble == "npt"
        state = {"P": "1/sigma^3 (pressure: beta P sigma^3)"} if npt else {"rho": "1/sigma^3 (number density)"}
        return {
            "T": "epsilon/k_B (temperature)",
            **state,
            "delta": "sigma (edge of the shoulder)",
            "k": "1/sigma (steepness of the shoulder's edge)",
            "length": "sigma (of the cylinders, without their caps)",
            "start": f"{', '.join(STARTS)} (configuration that the run starts from)",
        }

    def _prepared(self, point: Point, seed: int) -> MonteCarlo:
        from softal.simulators.monte_carlo.potentials import SoftenedShoulder
        from softal.simulators.monte_carlo.spherocylinders import Spherocylinders as Rods

        potential = SoftenedShoulder(self._number(point, "delta"), self._number(point, "k"))
        npt = self.settings.ensemble == "npt"
        moves: Any = "z_apart" if npt and self.settings.box_moves == "shape" else self.settings.box_moves
        return Rods(
            self._start(point, seed),
            potential,
            number(point, "T", {}),
            number(point, "P", {}) if npt else None,
            seed=seed,
            length=self._number(point, "length"),
            box_moves=moves,
        )

    def _start(self, point: Point, seed: int) -> Configuration:
        from softal.simulators.monte_carlo import rod_starts

        settings, length = self.settings, self._number(point, "length")
        kind = str(point.get("start", settings.start))
        density = number(point, "rho", {"rho": DILUTE if kind == "isotropic" else LAYERED})
        if kind == "isotropic":
            return rod_starts.isotropic(settings.particles, density, length, seed=seed)
        order: Any = "liquid" if kind == "smectic" else kind
        return rod_starts.smectic(settings.particles, density, length, settings.layers, order=order, seed=seed)

    def _order(self, configuration: Configuration) -> dict[str, float]:
        """Return S_2, the smectic order |<exp(2 pi i layers z / L_z)>|, and symmetries within the layers."""
        from softal.simulators.observables.diffraction import diffraction_pattern
        from softal.simulators.observables.symmetry import symmetries

        u, x, box, layers = configuration.orientations, configuration.positions, configuration.box, self.settings.layers
        assert u is not None
        tensor = 1.5 * u.T @ u / len(u) - 0.5 * np.eye(3)
        wave = np.exp(2j * np.pi * layers * x[:, 2] / box[2]).mean()
        order = {"nematic": float(np.linalg.eigvalsh(tensor)[-1]), "smectic": float(abs(wave))}
        layer = np.rint(layers * x[:, 2] / box[2] - np.angle(wave) / (2 * np.pi)).astype(int) % layers
        flat = [x[layer == number, :2] for number in range(layers) if np.any(layer == number)]
        pattern = np.mean([diffraction_pattern(part, box[:2], 64) for part in flat], axis=0)
        return order | {f"symmetry_{m}": value for m, value in symmetries(pattern, box[:2], SYMMETRIES).items()}

    def _number(self, point: Point, name: str) -> float:
        return number(point, name, self.defaults)
