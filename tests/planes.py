r"""Ions between two planes by a mean-field theory: a stand-in for simulations where learners of profiles are tested.

It is no simulator: correlations of ions are left out, and what it says is not what ions do. In reduced units (kT, nm):

    rho_i(z) = N_i exp(-U_i(z) - z_i psi(z) - phi(z)) / integral,     N_i ions per area
    psi'' = -4 pi l_B sum_i z_i rho_i,     psi'(h / 2) = 4 pi l_B s   s: charges of a wall per area
    phi(z) = sum_i integral rho_i(z') pi (d^2 - (z - z')^2) dz'       |z - z'| < d: excluded volumes, to second order

U is Weeks, Chandler and Andersen's repulsion of a wall, sigma = d / 2. psi and phi come from Newton's method on a grid.
Noise is that of counts: its relative size at 1 M is `noise`.
"""

import numpy as np

from softal.outputs import Known
from softal.trial import Array, Observation, Trial, TrialState

BJERRUM = 0.714  # nm
PER_MOLAR = 0.6022  # ions in nm^3
PER_SQUARE_METRE = 1 / 0.160218  # elementary charges per nm^2 in C/m^2
POINTS = 90  # of the half slit, for the theory
SPACE = {
    "h": {"low": 3.0, "high": 4.0},
    "z_p": {"low": 1, "high": 3, "integer": True},
    "c": {"low": 0.3, "high": 0.9},
    "d": {"low": 0.5, "high": 0.75},
    "surface_charge": {"low": 0.0, "high": 0.02},
}
# Of the ions per slab [M]: salt, and positive ones that compensate negative walls.
SALT = {"negative": "c", "positive": f"c / z_p + 2*surface_charge*{PER_SQUARE_METRE!r} / (h*{PER_MOLAR!r}*z_p)"}
KNOWN = {name: Known(True, True, "(h - 0.8*d) / (2*h)", "(h - d) / (2*h)", integral) for name, integral in SALT.items()}


def densities(point, bins=120):
    """Grid z / h (bins,), densities of positive and negative ions (bins,) [M]."""
    h, d, z_p = point["h"], point["d"], point["z_p"]
    step = h / 2 / POINTS
    z = (np.arange(POINTS) + 0.5) * step
    wall = _wall((h / 2 - z) / (d / 2))
    charge = np.array([float(z_p), -1.0])
    walls = point["surface_charge"] * PER_SQUARE_METRE
    salt = point["c"] * PER_MOLAR * h / 2
    N = np.array([salt / z_p + walls / z_p, salt])  # of the half slit
    psi, phi = _fields(z, step, d, wall, charge, N, -walls)
    fine = (np.arange(8 * bins // 2) + 0.5) * h / 8 / bins  # eight to a bin, from the middle to the wall
    wall = _wall((h / 2 - fine) / (d / 2))
    rho = np.exp(-wall - charge[:, None] * np.interp(fine, z, psi) - np.interp(fine, z, phi))
    rho *= N[:, None] / (rho.sum(axis=1, keepdims=True) * h / 8 / bins * PER_MOLAR)
    half = rho.reshape(2, bins // 2, 8).mean(axis=2)
    return (np.arange(bins) + 0.5) / bins - 0.5, *np.concatenate([half[:, ::-1], half], axis=1)


def trial(number, point, noise=0.03, bins=120):
    """A trial with both profiles, their noise and errors; `noise` 0 gives the theory."""
    grid, *both = densities(point, bins)
    rng = np.random.default_rng([number, 7])
    arrays = {}
    for name, rho in zip(("positive", "negative"), both, strict=True):
        error = noise * np.sqrt(rho)
        values = rho + error * rng.standard_normal(bins)
        values *= rho.sum() / values.sum()  # the number of ions is known
        estimate = error * np.sqrt(rng.chisquare(9, bins) / 9)  # as ten blocks give it
        arrays[name] = Array.of(values, estimate, grid, unit="M")
    values = {"mid": float(arrays["positive"].values[bins // 2])}
    return Trial(number, dict(point), state=TrialState.DONE, observation=Observation(values, arrays=arrays))


def points(n, seed=0):
    """Points at random in SPACE."""
    rng = np.random.default_rng(seed)
    found = []
    for u in rng.random((n, 5)):
        point = {n: float(p["low"] + x * (p["high"] - p["low"])) for (n, p), x in zip(SPACE.items(), u, strict=True)}
        found.append(point | {"z_p": 1 + int(3 * u[1])})
    return found


def slits(n, seed=0, noise=0.03, bins=120):
    """n trials at random points."""
    return [trial(number, point, noise, bins) for number, point in enumerate(points(n, seed))]


def _wall(x):
    """WCA's repulsion at x = distance / sigma."""
    x = np.maximum(x, 0.5)
    return np.where(x < 2 ** (1 / 6), 4 * (x**-12.0 - x**-6.0) + 1, 0.0)


def _fields(z, step, d, wall, charge, N, wall_charge):
    """psi and phi on the half slit by Newton's method, with steps that are cut where they are long."""
    n = len(z)
    second = (np.diag(np.full(n - 1, 1.0), 1) + np.diag(np.full(n - 1, 1.0), -1) - 2 * np.eye(n)) / step**2
    second[0, 0] = second[-1, -1] = -1 / step**2
    second /= 4 * np.pi * BJERRUM
    apart = [np.abs(z[:, None] - z), z[:, None] + z]
    excluded = sum(np.pi * np.maximum(d**2 - a**2, 0.0) for a in apart) * step
    psi, phi = np.zeros(n), np.zeros(n)
    surface = np.zeros(n)
    surface[-1] = wall_charge / step
    for _ in range(200):
        rho = np.exp(-wall - charge[:, None] * (psi - psi[0]) - phi)
        rho *= N[:, None] / (rho.sum(axis=1, keepdims=True) * step)
        # d rho_i / d u_i of u = z psi + phi, with the number of ions held
        slopes = [-np.diag(r) + np.outer(r, r) * step / number for r, number in zip(rho, N, strict=True)]
        residual = np.concatenate([second @ psi + charge @ rho + surface, phi - excluded @ rho.sum(axis=0)])
        by_charge = sum(q * slope for q, slope in zip(charge, slopes, strict=True))
        J = np.block(
            [
                [second + sum(q * q * s for q, s in zip(charge, slopes, strict=True)) + 1.0, by_charge],
                [-excluded @ by_charge, np.eye(n) - excluded @ sum(slopes)],
            ]
        )
        move = np.linalg.solve(J, -residual)
        longest = np.max(np.abs(move))
        psi, phi = psi + (move := move * min(1.0, 1.0 / longest))[:n], phi + move[n:]
        if longest < 1e-9:
            return psi, phi
    raise RuntimeError("the theory of ions between planes did not converge")
