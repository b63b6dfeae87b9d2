"""Which particles have the surroundings of a crystal: ten Wolde's bonds of equal orientation.

    d_6(i, j) = Re sum_m q_6m(i) q_6m(j)^* / (|q_6(i)| |q_6(j)|),    q_6m(i) = < Y_6m(r_ij) > over neighbours j

A bond of two neighbours whose d_6 is above SAME is one of a crystal; a particle with BONDS of them or more is
crystalline. It asks for equal orientations of surroundings, not for a lattice, so it finds fcc, hcp and bcc (also CsCl)
alike, and not the icosahedra of cold liquids, whose orientations differ.

Source: P. R. ten Wolde, M. J. Ruiz-Montero, D. Frenkel, J. Chem. Phys. 104, 9932 (1996); through freud.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

# With these, 0.1 to 0.3 % of the particles of Kob-Andersen liquids at T = 0.6 are crystalline, and 96 % of those of fcc
# and bcc crystals whose particles are 0.09 sigma (standard deviation of each coordinate) off their sites.
SAME, BONDS = 0.6, 8
NEIGHBOURS = (
    1.5  # longest bond, in units of rho^(-1/3): the first minimum of g(r), between bcc's second shell and third
)


def crystalline(positions: Floats, box_length: float) -> NDArray[np.bool_]:
    """Say which particles are crystalline, shape (N,), of positions, shape (N, 3), in a cube of side L [length]."""
    import freud

    box = freud.box.Box.cube(box_length)
    reach = NEIGHBOURS * box_length / np.cbrt(len(positions))
    order = freud.order.SolidLiquid(6, SAME, BONDS)
    order.compute((box, box.wrap(positions)), neighbors={"r_max": reach, "exclude_ii": True})
    return np.asarray(np.array(order.num_connections) >= BONDS)
