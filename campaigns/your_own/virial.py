"""The second virial coefficient of a Mie fluid: your function could stand here."""

import numpy as np

from softal.trial import Array


def simulate(temperature, n=12.0):
    """Return B2(T) in units of sigma^3, temperature in epsilon; Boyle's temperature of Lennard-Jones is 3.418."""
    r = np.linspace(0.05, 50, 100_000)
    coefficient = n / (n - 6) * (n / 6) ** (6 / (n - 6))
    energy = coefficient * (r**-n - r**-6.0)
    mayer = np.exp(-energy / temperature) - 1
    b2 = -2 * np.pi * np.trapezoid(mayer * r**2, r)
    shown = slice(None, 6000, 60)
    return {"b2": b2, "distance": abs(b2), "mayer": Array.of(mayer[shown], grid=r[shown], grid_unit="sigma")}
