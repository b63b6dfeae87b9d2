"""Bond order of many particles: how long neighbours and the 24 inputs of learners take, beside freud and pyscal3.

    python benchmarks/local_structure.py speed [--particles 100000] [--packages DIR]

A fluid of hard spheres, packing fraction 0.45, of two species at random. Seconds are the processor's, the median of
repeats that take turns, with one thread each; `ratio` is another code's median over ours, on the same neighbours. freud
has no SANN, pyscal3 no neighbours of the own species, so that it is asked for the 12 inputs of all neighbours alone.
pyscal3 is no dependency of softal: `--packages` is the folder that it was installed to.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYSCAL_NUM_THREADS"), "1"))

import numpy as np

from softal.simulators.monte_carlo import starts
from softal.theory.local_structure.bond_order import BondOrder
from softal.theory.local_structure.descriptors import DEGREES, Neighbourhood, inputs
from softal.theory.local_structure.neighbours import within
from softal.theory.local_structure.sann import sann

PACKING, CUTOFF, COPIES, REPEATS = 0.45, 1.4, 3, 5
EVEN = [2, 4, 6, 8]
SANN, WITHIN, TWELVE, ALL, ALL_SANN = (
    "neighbours by SANN",
    f"neighbours within {CUTOFF} sigma",
    "12 inputs of all neighbours within it",
    "24 inputs within it",
    "24 inputs by SANN",
)
Ways = dict[str, Callable[[], Any]]


def fluid(n: int) -> tuple[Any, Any, Any]:
    """Return about n particles, 27 copies of a fluid, in a random order, with their species."""
    few = starts.fluid(round(n / COPIES**3), PACKING * 6 / np.pi, 3, 1)
    shifts = np.stack(np.meshgrid(*[np.arange(COPIES)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    positions = (few.positions + shifts * few.box).reshape(-1, 3)
    rng = np.random.default_rng(1)
    return positions[rng.permutation(len(positions))], COPIES * few.box, rng.integers(0, 2, len(positions))


def ours(positions: Any, box: Any, types: Any) -> Ways:
    """Return what softal does."""
    near = Neighbourhood("cutoff", (CUTOFF,))
    return {
        SANN: lambda: sann(positions, box),
        WITHIN: lambda: within(positions, box, CUTOFF),
        TWELVE: lambda: inputs(positions, box, None, near),
        ALL: lambda: inputs(positions, box, types, near),
        ALL_SANN: lambda: inputs(positions, box, types),
    }


def freuds(positions: Any, box: Any, types: Any) -> Ways:
    """Return what freud does of it."""
    import freud

    freud.parallel.set_num_threads(1)
    space, places = freud.box.Box(*box), positions - box / 2

    def neighbours() -> Any:
        query = freud.locality.AABBQuery(space, places)
        return query.query(places, {"r_max": CUTOFF, "exclude_ii": True}).toNeighborList()

    def half(found: Any) -> list[Any]:
        odd = freud.order.Steinhardt([1, 3, 5, 7], average=True).compute((space, places), neighbors=found)
        even = freud.order.Steinhardt(EVEN, average=True, wl=True, wl_normalize=True)
        even.compute((space, places), neighbors=found)
        return [odd.ql, even.ql, even.particle_order]

    def both() -> list[Any]:
        found = neighbours()
        first = half(found)
        found.filter(types[found.query_point_indices] == types[found.point_indices])
        return first + half(found)

    return {WITHIN: neighbours, TWELVE: lambda: half(neighbours()), ALL: both}


def pyscals(positions: Any, box: Any, types: Any) -> Ways:
    """Return what pyscal3 does of it."""
    import pyscal3
    from ase import Atoms

    pyscal3.set_num_threads(1)

    def neighbours(cutoff: float | str) -> Any:
        atoms = Atoms(positions=positions, cell=box, pbc=True)
        pyscal3.find_neighbors(atoms, method="cutoff", cutoff=cutoff, store_rows=False)
        return atoms

    def twelve() -> Any:
        atoms = neighbours(CUTOFF)
        found = pyscal3.steinhardt_parameter(atoms, list(DEGREES), averaged=True)
        return found + list(pyscal3.wigner_w_parameter(atoms, EVEN, averaged=True))

    return {SANN: lambda: neighbours("sann"), WITHIN: lambda: neighbours(CUTOFF), TWELVE: twelve}


def seconds(way: Callable[[], Any]) -> float:
    start = time.process_time()
    way()
    return time.process_time() - start


def speed(particles: int) -> None:
    given = fluid(particles)
    codes = {"softal": ours(*given), "freud": freuds(*given)}
    try:
        codes["pyscal3"] = pyscals(*given)
    except ImportError as error:
        print(f"without pyscal3: {error}")
    agree(given, codes)
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(REPEATS):
        for code, ways in codes.items():
            for task, way in ways.items():
                taken.setdefault((task, code), []).append(seconds(way))
    median = {key: float(np.median(found)) for key, found in taken.items()}
    others = [code for code in codes if code != "softal"]
    print(f"{len(given[0])} particles, {sann(*given[:2]).counts.mean():.1f} neighbours by SANN, medians of {REPEATS}\n")
    print(f"| | softal [s] | {' | '.join(f'{code} [s] | ratio' for code in others)} |")
    print("|---" * (2 + 2 * len(others)) + "|")
    for task in codes["softal"]:
        mine = median[task, "softal"]
        cells = [
            f"{median[task, code]:.2f} | {median[task, code] / mine:.1f}" if (task, code) in median else " | "
            for code in others
        ]
        print(f"| {task} | {mine:.2f} | {' | '.join(cells)} |")


def agree(given: Any, codes: dict[str, Ways]) -> None:
    """Say how far the codes' averaged q_l and w_l are from ours; compiles, too."""
    positions, box, _ = given
    for way in codes["softal"].values():
        way()
    near = within(positions, box, CUTOFF)
    averaged = BondOrder.of(near, DEGREES).averaged()
    odd, even, w = codes["freud"][TWELVE]()
    wrong = np.abs(np.hstack([odd - averaged.q[:, ::2], even - averaged.q[:, 1::2]])).max()
    print(f"freud: largest difference of averaged q_l {wrong:.1g}, of w_l {np.abs(w - averaged.w).max():.1g}")
    if "pyscal3" in codes:
        found = np.transpose(codes["pyscal3"][TWELVE]())
        wrong, of_w = (np.abs(one).max() for one in (found[:, :8] - averaged.q, found[:, 8:] - averaged.w))
        print(f"pyscal3: largest difference of averaged q_l {wrong:.1g}, of w_l {of_w:.1g}")
        counts = np.diff(codes["pyscal3"][SANN]().info["pyscal_bond_offsets"])
        same = np.mean(counts == sann(positions, box, "none").counts)
        print(f"pyscal3: {100 * same:.2f} % of the particles have as many neighbours by SANN as ours")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("what", choices=["speed"])
    options.add_argument("--particles", type=int, default=100_000)
    options.add_argument("--packages", type=Path, help="folder of packages with pyscal3")
    chosen = options.parse_args()
    if chosen.packages:
        sys.path.append(str(chosen.packages))
    speed(chosen.particles)


if __name__ == "__main__":
    main()
