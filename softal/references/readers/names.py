"""What the same column is called in an input file and in what is written: LAMMPS's keywords, ends of paths, hyphens."""

from __future__ import annotations

# Keywords of LAMMPS's `thermo_style custom` -> the heads of their columns, where they differ by more than the case
# (thermo.cpp, `parse_fields`).
THERMO = {
    "spcpu": "s/cpu", "pe": "poteng", "ke": "kineng", "etotal": "toteng", "evdwl": "e_vdwl", "ecoul": "e_coul",
    "epair": "e_pair", "ebond": "e_bond", "eangle": "e_angle", "edihed": "e_dihed", "eimp": "e_impro", "emol": "e_mol",
    "elong": "e_long", "etail": "e_tail", "vol": "volume",
}  # fmt: skip


def keyword(name: str) -> str:
    """Return a name as it is compared: without regard to its case, LAMMPS's keywords as heads of columns.

    `gmx energy` asks for `Total-Energy` and writes `Total Energy`.
    """
    small = name.casefold().replace(" ", "-")
    return THERMO.get(small, small)


def last(name: str) -> str:
    """Return the end of a path such as HOOMD-blue's `md/compute/ThermodynamicQuantities/kinetic_temperature`."""
    return name.rpartition("/")[2]
