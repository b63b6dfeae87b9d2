"""The pair potential of silica, its published parameters, and when atoms fall into each other.

    U_ab(r) = K q_a q_b [erfc(alpha r)/r - erfc(alpha R)/R + f (r - R)] + A exp(-r/rho) - C/r^6 + D/r^24,   r < R,
    f = erfc(alpha R)/R^2 + 2 alpha exp(-alpha^2 R^2) / (sqrt(pi) R),

Buckingham's form, the damped shifted force instead of Coulomb's (alpha = 0.25 1/angstrom, R = 8 angstrom; energy and
force vanish at R), and a hard core that keeps atoms out of Buckingham's well at short distances. The short-range part
is cut at 8 angstrom and not shifted. Energies are those of the pairs: a charge's constant energy in the field of its
own screening, which LAMMPS' `coul/dsf` adds, is left out. q_O = -q_Si/2.

Sources: H. Liu, Z. Fu, Y. Li, N. F. A. Sabri, M. Bauchy, MRS Commun. 9, 593 (2019): eq. 1, table I (ML; D of all);
damped shifted force: C. J. Fennell, J. D. Gezelter, J. Chem. Phys. 124, 234104 (2006), eq. 18;
BKS: B. W. H. van Beest, G. J. Kramer, R. A. van Santen, Phys. Rev. Lett. 64, 1955 (1990);
CHIK: A. Carre, J. Horbach, S. Ispas, W. Kob, EPL 82, 17001 (2008).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats

COULOMB = 14.399645  # e^2 / (4 pi epsilon_0) [eV angstrom], CODATA 2018
ALPHA, CUTOFF = 0.25, 8.0  # [1/angstrom], [angstrom]
SI, O = 0, 1  # noqa: E741 - the element
PAIRS = {"SiO": (SI, O), "OO": (O, O), "SiSi": (SI, SI)}
PAIR_NAMES = {"SiO": "Si-O", "OO": "O-O", "SiSi": "Si-Si"}
CORE = {"SiO": 29.0, "OO": 113.0, "SiSi": 3_423_200.0}  # D [eV angstrom^24]
INNER_ENERGY = 1e4  # of the hard core alone, where tables may become straight lines [eV]
# A pair nearer than this has fallen into the hard core [angstrom]; the liquids at 3600 K keep above 1.3, 1.9 and 2.2.
FALLEN = {"SiO": 1.1, "OO": 1.5, "SiSi": 1.8}
# From where neighbours in the liquid climb, and how high they come at 3600 K [angstrom, eV]: with barriers up to 5.4 eV
# between two oxygens even an equilibrated liquid collapsed within 3 ps, with 8.3 eV it lived on.
CONTACT = {"SiO": 1.6, "OO": 2.3, "SiSi": 2.7}
BARRIER = 5.0

PARAMETERS = {
    "q_Si": "e (charge of silicon; oxygen has -q_Si/2)",
    "A_SiO": "eV",
    "rho_SiO": "angstrom",
    "C_SiO": "eV angstrom^6",
    "A_OO": "eV",
    "rho_OO": "angstrom",
    "C_OO": "eV angstrom^6",
    "A_SiSi": "eV (0 in BKS and ML)",
    "rho_SiSi": "angstrom",
    "C_SiSi": "eV angstrom^6 (0 in BKS and ML)",
}


def _preset(*values: float) -> dict[str, float]:
    return dict(zip(PARAMETERS, values, strict=True))


PRESETS: dict[str, dict[str, float]] = {
    "BKS": _preset(2.4, 18003.7572, 1 / 4.87318, 133.5381, 1388.773, 1 / 2.76, 175.0, 0.0, 1.0, 0.0),
    "CHIK": _preset(
        1.910418, 27029.419922, 1 / 5.158606, 148.099091, 659.595398, 1 / 2.590066, 26.836679,
        3150.462646, 1 / 2.851451, 626.751953,
    ),
    "ML": _preset(1.955, 20453.601, 0.191735, 93.496, 1003.387, 0.356855, 81.491, 0.0, 1.0, 0.0),
}  # fmt: skip


@dataclass(frozen=True)
class BuckinghamDSF:
    """The potential of one pair of elements; see the module.

    Attributes:
        charges: product of the two charges [e^2].
        A: [eV].
        rho: [angstrom].
        C: [eV angstrom^6].
        D: [eV angstrom^24].
        cutoff: R of both parts [angstrom].
    """

    charges: float
    A: float
    rho: float
    C: float
    D: float
    cutoff: float = CUTOFF

    @property
    def inner(self) -> float:
        """Where D/r^24 alone reaches INNER_ENERGY [angstrom]."""
        return float((self.D / INNER_ENERGY) ** (1 / 24))

    def energy(self, r: Floats | float) -> Floats:
        """Return U(r) [eV]; 0 from the cutoff on."""
        from scipy.special import erfc

        r, R = np.asarray(r, dtype=np.float64), self.cutoff
        coulomb = erfc(ALPHA * r) / r - math.erfc(ALPHA * R) / R + _shifted_force(R) * (r - R)
        short = self.A * np.exp(-r / self.rho) - self.C / r**6 + self.D / r**24
        return np.where(r < R, COULOMB * self.charges * coulomb + short, 0.0)

    def force(self, r: Floats | float) -> Floats:
        """Return -dU/dr [eV/angstrom]; 0 from the cutoff on."""
        from scipy.special import erfc

        r, R = np.asarray(r, dtype=np.float64), self.cutoff
        coulomb = erfc(ALPHA * r) / r**2 + 2 * ALPHA / math.sqrt(math.pi) * np.exp(-((ALPHA * r) ** 2)) / r
        short = self.A / self.rho * np.exp(-r / self.rho) - 6 * self.C / r**7 + 24 * self.D / r**25
        return np.where(r < R, COULOMB * self.charges * (coulomb - _shifted_force(R)) + short, 0.0)


def _shifted_force(R: float) -> float:
    """Return f, the damped Coulomb force at R between unit charges [1/angstrom^2]."""
    return math.erfc(ALPHA * R) / R**2 + 2 * ALPHA / math.sqrt(math.pi) * math.exp(-((ALPHA * R) ** 2)) / R


def silica_potentials(parameters: Mapping[str, float]) -> dict[tuple[int, int], BuckinghamDSF]:
    """Return the potential of each pair of kinds, (SI, SI), (SI, O) and (O, O).

    Args:
        parameters: a number for every name in PARAMETERS.

    Raises:
        SimulationError: if a number cannot be used, or atoms would fall into each other.
    """
    for name, value in parameters.items():
        if not math.isfinite(value):
            raise SimulationError(f"{name} = {value} is not a finite number")
        if name.startswith("rho") and value <= 0:
            raise SimulationError(f"{name} = {value:g} is not allowed: it must be positive")
        if name[0] in "AC" and value < 0:
            raise SimulationError(f"{name} = {value:g} is not allowed: it must not be negative")
    charge = {SI: parameters["q_Si"], O: -parameters["q_Si"] / 2}
    potentials = {}
    for name, (a, b) in PAIRS.items():
        A, rho, C = (parameters[f"{letter}_{name}"] for letter in ("A", "rho", "C"))
        potentials[a, b] = BuckinghamDSF(charge[a] * charge[b], A, rho, C, CORE[name])
        check_core(name, potentials[a, b])
    return potentials


def check_core(name: str, potential: BuckinghamDSF) -> None:
    """See that atoms of the pair `name` stay out of each other's hard core.

    They fall where U is lowest below FALLEN, and no barrier of BARRIER keeps them from going there from CONTACT.

    Raises:
        SimulationError: if they fall.
    """
    r = np.arange(potential.inner, CONTACT[name], 0.005)
    U = potential.energy(r) - potential.energy(CONTACT[name])
    bottom = int(np.argmin(np.where(r < FALLEN[name], U, np.inf)))
    barrier = U[bottom:].max()
    if U[bottom] < U[r >= FALLEN[name]].min() and barrier < BARRIER:
        raise SimulationError(
            f"{PAIR_NAMES[name]} pairs collapse: their energy at {r[bottom]:.2f} angstrom is {-U[bottom]:.1f} eV lower "
            f"than at {CONTACT[name]:g} angstrom, and a barrier of {max(barrier, 0.0):.1f} eV does not keep them from "
            f"it, {BARRIER:g} eV would (C_{name} is too large for A_{name} and rho_{name})"
        )
