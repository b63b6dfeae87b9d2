"""Configurations in files of other programs: each format says the same, and what is wrong is said in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from softal.errors import TrajectoryError
from softal.trajectories import Frame, frames, write

BOX = np.array([4.0, 5.0, 6.0])
X = np.random.default_rng(3).random((7, 3)) * BOX
NAMED = ["A", "B", "A", "A", "B", "A", "B"]


def xyz(x: np.ndarray = X, lattice: str = "4 0 0 0 5 0 0 0 6", properties: str = "species:S:1:pos:R:3") -> str:
    head = f'{len(x)}\nLattice="{lattice}" Properties={properties}\n'
    return head + "".join(f"{name} {a:.9f} {b:.9f} {c:.9f}\n" for name, (a, b, c) in zip(NAMED, x, strict=True))


def dump(x: np.ndarray, columns: str, low: tuple[float, ...] = (0.0, 0.0, 0.0), step: int = 10) -> str:
    bounds = "".join(f"{a} {a + edge}\n" for a, edge in zip(low, BOX, strict=True))
    order = np.random.default_rng(1).permutation(len(x))
    rows = "".join(f"{i + 1} {NAMED[i]} {x[i, 0]:.9f} {x[i, 1]:.9f} {x[i, 2]:.9f}\n" for i in order)
    return (
        f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(x)}\nITEM: BOX BOUNDS pp pp pp\n{bounds}"
        f"ITEM: ATOMS id element {columns}\n{rows}"
    )


def same(found: Frame) -> bool:
    away = found.positions - X
    away -= BOX * np.rint(away / BOX)
    assert ((found.positions >= 0) & (found.positions < found.box)).all()
    named = [found.names[k] for k in found.types]
    return bool(np.abs(away).max() < 1e-6 and np.allclose(found.box, BOX) and named == NAMED)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", xyz()),
        ("a.extxyz", xyz(X + BOX) + xyz(X - BOX)),
        ("a.dump", dump(X, "x y z")),
        ("a.lammpstrj", dump(X / BOX, "xs ys zs") + dump(X / BOX + 1, "xsu ysu zsu", step=20)),
        ("dump.melt", dump(X + np.array([-2.0, 1.0, 0.0]), "xu yu zu", low=(-2.0, 1.0, 0.0))),
    ],
)
def test_formats_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = list(frames(tmp_path / name))
    assert len(found) == text.count("Lattice") + text.count("TIMESTEP")
    assert all(same(one) for one in found)


def test_what_is_known_of_particles_is_written_for_ovito(tmp_path: Path) -> None:
    import gsd.hoomd

    first = Frame.of(X, BOX, np.zeros(3), NAMED, 5)
    values = {"label": np.arange(7), "probability": np.linspace(0, 1, 7)}
    assert write(tmp_path / "a.gsd", [Frame(X, BOX, first.types, first.names, 5, values)] * 2) == 2
    again = list(frames(tmp_path / "a.gsd"))
    assert [one.step for one in again] == [5, 5]
    assert all(same(one) for one in again)
    with gsd.hoomd.open(name=str(tmp_path / "a.gsd"), mode="r") as file:
        assert file[1].log["particles/label"].tolist() == list(range(7))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.xyz", "", "it has no frame"),
        ("a.xyz", "three\n", "the number of particles"),
        ("a.xyz", "1\nno box here\nA 0 0 0\n", "it has no box"),
        ("a.xyz", xyz(lattice="4 0 0 1 5 0 0 0 6"), "rectangular"),
        ("a.xyz", xyz(lattice="4 0 0 0 0 0 0 0 6"), "three lengths above 0"),
        ("a.xyz", xyz()[:-20], "less than the 7 lines"),
        ("a.xyz", xyz().replace("B ", "B x", 1), "could not convert"),
        ("a.xyz", xyz(np.where(np.arange(7)[:, None] == 2, np.nan, X)), "particle 2 is no number"),
        ("a.dump", "LAMMPS data file\n", "is it a dump of LAMMPS"),
        ("a.dump", dump(X, "vx vy vz"), "its columns are"),
        ("a.dump", dump(X, "x y z").replace("pp pp pp", "xy xz yz pp pp pp"), "tilted"),
        ("a.dump", dump(X, "x y z")[:-40], "less than the 7 lines"),
        ("a.pdb", "", ".pdb is not known; allowed are .gsd"),
        ("a.gsd", "no GSD", "no configuration can be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(TrajectoryError, match=said) as error:
        list(frames(tmp_path / name))
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrajectoryError, match="No such file"):
        list(frames(tmp_path / "a.xyz"))
