"""Units: what a file may call them, and the factors between them."""

from __future__ import annotations

import pytest

from softal.errors import SoftalError
from softal.references.units import canonical, factor, split_label


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Å", "angstrom"),
        ("Angstrom", "angstrom"),
        ("A", "angstrom"),
        ("nm", "nm"),
        ("nanometres", "nm"),
        ("Å⁻¹", "1/angstrom"),
        ("A^-1", "1/angstrom"),
        ("A^{-1}", "1/angstrom"),
        ("1/A", "1/angstrom"),
        ("inv_angstrom", "1/angstrom"),
        ("1 / nm", "1/nm"),
        ("(nm^-1)", "1/nm"),
        ("nm-1", "1/nm"),
        ("nm⁻³", "1/nm^3"),
        ("1/nm^3", "1/nm^3"),
        ("degrees", "degree"),
        ("mol/L", "mol/l"),
        ("molar", "mol/l"),
        ("Mol l-1", "mol/l"),
        ("°", "degree"),
        ("barn/sr", "barn/sr"),
        (" furlong ", "furlong"),
    ],
)
def test_names(text: str, unit: str) -> None:
    assert canonical(text) == unit


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("nm", "angstrom", 10),
        ("pm", "angstrom", 0.01),
        ("1/nm", "1/angstrom", 0.1),
        ("1/angstrom", "1/nm", 10),
        ("1/nm^3", "1/angstrom^3", 1e-3),
        ("rad", "degree", 180 / 3.141592653589793),
        ("fs", "ps", 1e-3),
        ("fm^2", "barn", 0.01),
        ("mol/l", "1/nm^3", 0.602214076),
        ("mmol/l", "mol/l", 1e-3),
        ("mol/m^3", "mol/l", 1e-3),
        ("sigma", "sigma", 1),
        ("furlong", "furlong", 1),
    ],
)
def test_factors(source: str, target: str, expected: float) -> None:
    assert factor(source, target) == pytest.approx(expected, rel=1e-12)
    assert factor(source, target) * factor(target, source) == pytest.approx(1)


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("1/nm", "angstrom", "'1/nm' cannot be converted into 'angstrom'; allowed: angstrom, nm, pm, um, bohr"),
        ("furlong", "angstrom", "'furlong' is not a known unit; allowed: angstrom, nm"),
        ("nm", "lattice", "'nm' cannot be converted into 'lattice'; allowed: lattice"),
    ],
)
def test_what_cannot_be_converted(source: str, target: str, said: str) -> None:
    with pytest.raises(SoftalError, match=said):
        factor(source, target)


@pytest.mark.parametrize(
    ("label", "name", "unit"),
    [
        ("r_angstrom", "r", "angstrom"),
        ("q_inv_angstrom", "q", "1/angstrom"),
        ("r (nm)", "r", "nm"),
        ("r [nm]", "r", "nm"),
        ("r[nm]", "r", "nm"),
        ("(nm)", "", "nm"),
        ("Q (1/A)", "Q", "1/angstrom"),
        (r"q (nm\S-1\N)", "q", "1/nm"),
        ("r (furlong)", "r", "furlong"),
        ("g(r)", "g(r)", ""),
        ("S_k", "S_k", ""),
        ("g_SiO", "g_SiO", ""),
        ("g_A", "g_A", ""),  # of the species A
        ("structure_factor", "structure_factor", ""),
    ],
)
def test_labels(label: str, name: str, unit: str) -> None:
    assert split_label(label) == (name, unit)
