"""Configurations of rods to start from: layers normal to z, liquid or crystalline within, and rods in all directions.

Densities are numbers per volume [1/sigma^3]. None of these is an equilibrium.
"""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.segments import shortest_distance
from softal.simulators.monte_carlo.system import Configuration

LayerOrder = Literal["liquid", "square", "hexagonal"]

GAP = 1.45  # [sigma] between the ends of rods of neighbouring layers: what soft rods of L = 5 choose, rho = .08 to .16
DENSEST_LIQUID = 0.8  # [1/sigma^2] of disks that `starts.fluid` can still push apart with ease
TRIES = 500  # for a place and a direction of each rod


def smectic(
    n: int,
    density: float,
    length: float,
    layers: int = 3,
    *,
    order: LayerOrder = "liquid",
    gap: float = GAP,
    seed: int = 0,
) -> Configuration:
    """Return n rods along z in layers normal to z, with L_x = L_y and L_z = layers (length + gap).

    Args:
        n: number of rods.
        density: number density [1/sigma^3].
        length: L of the cylinders [sigma].
        layers: how many.
        order: within a layer: "liquid", each layer its own, at random, no two rods nearer than sigma (or, above 0.8
            rods per sigma^2, than that density leaves room for); "square" and "hexagonal" crystals, the same in each
            layer; the hexagonal one is strained to fit.
        gap: between the ends of the cylinders of neighbouring layers [sigma]; hard rods need 1.
        seed: of the random numbers of a liquid.

    Raises:
        SimulationError: if the layers cannot hold n rods in that order, or the box is not elongated along z.
    """
    if min(n, layers) < 1 or not (0 < density < np.inf and length >= 0 and gap > 0):
        raise SimulationError(
            f"{n} rods of length {length:g} sigma in {layers} layers {gap:g} sigma apart, at a density of {density:g}; "
            "all of these have to be positive"
        )
    if n % layers:
        raise SimulationError(
            f"{n} rods do not fill {layers} layers alike; the number has to be a multiple of {layers}"
        )
    height = layers * (length + gap)
    edge = float(np.sqrt(n / (density * height)))
    if edge >= height:
        raise SimulationError(
            f"{n} rods of density {density:g} in {layers} layers are {edge:.4g} sigma wide and {height:.4g} high; "
            "the box has to be higher than wide: take more layers"
        )
    flat = [_layer(n // layers, edge, order, seed + layer) for layer in range(layers)]
    z = np.repeat((np.arange(layers) + 0.5) * (length + gap), n // layers)
    box = np.array([edge, edge, height])
    return Configuration(np.column_stack([np.concatenate(flat), z]), box, np.tile([0.0, 0.0, 1.0], (n, 1)))


def _layer(n: int, edge: float, order: LayerOrder, seed: int) -> Floats:
    if order == "liquid":
        return starts.fluid(n, min(n / edge**2, DENSEST_LIQUID), 2, seed).positions * _shrinkage(n, edge)
    crystal = starts.square(n, n / edge**2) if order == "square" else starts.hexagonal(n, n / edge**2)
    return crystal.positions * (edge / crystal.box)


def _shrinkage(n: int, edge: float) -> float:
    return edge / max(edge, float(np.sqrt(n / DENSEST_LIQUID)))


def isotropic(n: int, density: float, length: float, *, distance: float = 1.0, seed: int = 0) -> Configuration:
    """Return n rods at random in a cubic box, in all directions, one after the other where there is room.

    Args:
        n: number of rods.
        density: number density [1/sigma^3]; for L = 5 sigma up to about 0.045. An isotropic fluid that is denser comes
            from this by compression, or from a smectic by melting it.
        length: L of the cylinders [sigma].
        distance: the least shortest distance of two rods [sigma].
        seed: of the random numbers.

    Raises:
        SimulationError: if the rods do not fit.
    """
    if n < 1 or not (0 < density < np.inf and length >= 0):
        raise SimulationError(f"{n} rods of length {length:g} sigma at a density of {density:g}; it has to be positive")
    edge = (n / density) ** (1 / 3)
    if edge < length + distance:
        raise SimulationError(f"a box of {edge:.4g} sigma is too small for rods of length {length:g} sigma")
    rng = np.random.default_rng(seed)
    x, u = np.empty((0, 3)), np.empty((0, 3))
    for _ in range(TRIES * n):
        centre, direction = rng.random(3) * edge, _direction(rng)
        if _nearest(x, u, centre, direction, edge, length) >= distance:
            x, u = np.vstack([x, centre]), np.vstack([u, direction])
        if len(x) == n:
            return Configuration(x, np.full(3, edge), u)
    raise SimulationError(f"{n} rods of length {length:g} sigma do not fit at random at a density of {density:g}")


def _direction(rng: np.random.Generator) -> Floats:
    u = rng.normal(size=3)
    return np.asarray(u / np.linalg.norm(u))


def _nearest(x: Floats, u: Floats, centre: Floats, direction: Floats, edge: float, length: float) -> float:
    """Return the shortest distance to any image of the rods, infinite without any."""
    images = np.array(list(product((-1, 0, 1), repeat=3))) * edge
    r = (x[:, None] + images - centre).reshape(-1, 3)
    return float(
        shortest_distance(r, np.broadcast_to(direction, r.shape), np.repeat(u, 27, axis=0), length).min(initial=np.inf)
    )
