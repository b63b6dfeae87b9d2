"""Units of curves and values: what a file may call them, and the factor from one to another."""

from __future__ import annotations

import re

from softal.errors import SoftalError

GAS_CONSTANT = 8.31446261815324  # [J / (mol K)], exact since 2019

# Dimension -> unit -> its size in the first unit of the dimension.
UNITS: dict[str, dict[str, float]] = {
    "length": {"angstrom": 1.0, "nm": 10.0, "pm": 0.01, "um": 1e4, "bohr": 0.529177210544},  # bohr: CODATA 2022
    "angle": {"degree": 1.0, "rad": 57.29577951308232},
    "time": {"ps": 1.0, "fs": 1e-3, "ns": 1e3, "us": 1e6},
    "frequency": {"1/ps": 1.0, "1/fs": 1e3, "1/ns": 1e-3, "thz": 1.0},
    "reduced length": {"sigma": 1.0},
    "reduced time": {"tau": 1.0},
    "cross section": {"barn": 1.0, "fm^2": 0.01, "barn/sr": 1.0, "fm^2/sr": 0.01},  # a steradian is a number
    "no dimension": {"1": 1.0, "%": 0.01},
    "pressure": {
        "MPa": 1.0, "Pa": 1e-6, "hPa": 1e-4, "kPa": 1e-3, "GPa": 1e3, "bar": 0.1, "kbar": 100.0, "atm": 0.101325,
    },
    # Of a particle, or of a mole of them; K stands for k_B K, so that temperatures are among them.
    "energy": {
        "K": 1.0, "kJ/mol": 1e3 / GAS_CONSTANT, "J/mol": 1.0 / GAS_CONSTANT, "kcal/mol": 4184.0 / GAS_CONSTANT,
        "cal/mol": 4.184 / GAS_CONSTANT, "eV": 11604.518121550082, "meV": 11.604518121550082,
    },
    "mass density": {"g/cm^3": 1.0, "kg/m^3": 1e-3, "kg/l": 1.0, "u/angstrom^3": 1.66053906892},
    "surface tension": {"mN/m": 1.0, "N/m": 1e3},
    "diffusion coefficient": {"cm^2/s": 1.0, "m^2/s": 1e4, "angstrom^2/ps": 1e-4, "nm^2/ns": 1e-5},
    "viscosity": {"mPa s": 1.0, "Pa s": 1e3, "cP": 1.0},
    "reduced energy": {"epsilon": 1.0},
    "reduced pressure": {"epsilon/sigma^3": 1.0},
}  # fmt: skip
for _power, _named in ((1, "inverse length"), (2, "inverse area"), (3, "number density")):
    for _of, _lengths in (("", UNITS["length"]), ("reduced ", UNITS["reduced length"])):
        _suffix = "" if _power == 1 else f"^{_power}"
        UNITS[_of + _named] = {f"1/{unit}{_suffix}": size**-_power for unit, size in _lengths.items()}
UNITS["number density"] |= {"mol/l": 6.02214076e-4, "mmol/l": 6.02214076e-7, "mol/m^3": 6.02214076e-7}  # exact
_KNOWN = {unit: (dimension, size) for dimension, units in UNITS.items() for unit, size in units.items()}
_CASED = {unit.lower(): unit for unit in _KNOWN}
_AMBIGUOUS = {"mPa", "MeV"}  # a thousandth or a million: not those above, which differ in nothing but the case
_ALIASES = {
    "å": "angstrom", "a": "angstrom", "ang": "angstrom", "angstroms": "angstrom", "ångström": "angstrom",
    "nanometer": "nm", "nanometers": "nm", "nanometre": "nm", "nanometres": "nm",
    "picometer": "pm", "picometers": "pm", "picometre": "pm", "picometres": "pm", "µm": "um", "μm": "um",
    "a0": "bohr", "degrees": "degree", "deg": "degree", "°": "degree", "radian": "rad", "radians": "rad",
    "dimensionless": "1", "none": "1", "percent": "%", "σ": "sigma", "τ": "tau",
    "barns": "barn", "b": "barn", "b/sr": "barn/sr", "barns/sr": "barn/sr", "fm2": "fm^2", "fm2/sr": "fm^2/sr",
    "kelvin": "K", "bars": "bar", "kj mol-1": "kJ/mol", "kj mol^-1": "kJ/mol", "kj/mole": "kJ/mol",
    "kcal mol-1": "kcal/mol", "kcal mol^-1": "kcal/mol", "kcal/mole": "kcal/mol", "g/cm3": "g/cm^3", "g cm-3": "g/cm^3",
    "g cm^-3": "g/cm^3", "g/cc": "g/cm^3", "g/ml": "g/cm^3", "g/l": "kg/m^3", "kg/m3": "kg/m^3", "kg m-3": "kg/m^3",
    "kg m^-3": "kg/m^3", "cm2/s": "cm^2/s", "m2/s": "m^2/s", "mpa*s": "mPa s", "pa*s": "Pa s", "ε": "epsilon",
    "molar": "mol/l", "mol/dm^3": "mol/l", "mol l-1": "mol/l", "millimolar": "mmol/l", "mol/m3": "mol/m^3",
    "epsilon/sigma3": "epsilon/sigma^3", "ε/σ^3": "epsilon/sigma^3",
}  # fmt: skip
_INVERSE = (
    re.compile(r"^(?:1 ?/ ?|inv[_ ]|inverse[_ ]|per[_ ])\(?(?P<unit>[^()^]+?)(?:\^?(?P<power>[23]))?\)?$"),
    re.compile(r"^\(?(?P<unit>[^()\-^]+?)\)?\^?[({]?-(?P<power>[123])[)}]?$"),
)
MAX_LENGTH = 200  # characters of a unit, or of a label with one
_RAISED = str.maketrans({"⁻": "-", "¹": "1", "²": "2", "³": "3", "−": "-"})
_BRACKETS = re.compile(r"^(?P<name>.*?)\s*(?:\[(?P<square>[^\]]*)\]|(?<=\s)\((?P<round>.*)\)|^\((?P<all>.*)\))$")


def canonical(text: str) -> str:
    """Return softal's name of a unit: `Å⁻¹`, `A^-1`, `inv_angstrom` and `1/angstrom` are all `1/angstrom`.

    What is not known comes back as it is, without spaces around it.
    """
    if len(text) > MAX_LENGTH or text.strip() in _AMBIGUOUS:
        return text.strip()
    word = " ".join(text.translate(_RAISED).lower().split())
    word = _ALIASES.get(word, word)
    for pattern in _INVERSE:
        if _cased(word) not in _KNOWN and (found := pattern.match(word)):
            unit, power = _ALIASES.get(found["unit"], found["unit"]), found["power"]
            word = f"1/{unit}" + (f"^{power}" if power and power != "1" else "")
    word = _cased(_ALIASES.get(word, word))
    return word if word in _KNOWN else text.strip()


def _cased(word: str) -> str:
    return _CASED.get(word, word)


def is_known(text: str) -> bool:
    """Whether a unit is among those that can be converted."""
    return canonical(text) in _KNOWN


def dimension(text: str) -> str:
    """Return what a unit measures, such as `length`; empty where it is not known."""
    return _KNOWN.get(canonical(text), ("", 1.0))[0]


def check_known(text: str) -> None:
    """Raise SoftalError for a unit that is not known; none at all is right."""
    if text and not is_known(text):
        raise SoftalError(f"{text!r} is not a known unit; allowed: {', '.join(sorted(_KNOWN))}")


def factor(source: str, target: str) -> float:
    """Return how many `target` one `source` is.

    Raises:
        SoftalError: naming both units and what is allowed.
    """
    given, wanted = canonical(source), canonical(target)
    if given == wanted:
        return 1.0
    dimension, size = _KNOWN.get(wanted, ("", 1.0))
    allowed = ", ".join(UNITS.get(dimension, [wanted]))
    if given not in _KNOWN:
        raise SoftalError(f"{source!r} is not a known unit; allowed: {allowed}")
    if _KNOWN[given][0] != dimension:
        raise SoftalError(f"{source!r} cannot be converted into {target!r}; allowed: {allowed}")
    return _KNOWN[given][1] / size


def split_label(label: str) -> tuple[str, str]:
    """Return name and unit of a column: of `r (nm)`, `r [nm]` and `r_nm` alike `r` and `nm`; the unit may be empty.

    Of a name with underscores, only a known unit counts; a bracket is always taken for a unit.
    """
    if len(label) > MAX_LENGTH:
        return label, ""
    text = re.sub(r"\\S(.*?)\\N", r"^\1", label.strip().strip('"'))  # xmgrace's superscript
    if found := _BRACKETS.match(text):
        unit = next(part for part in (found["square"], found["round"], found["all"]) if part is not None)
        return found["name"].strip(), canonical(unit)
    pieces = text.split("_")
    for i in range(1, len(pieces)):
        unit = "_".join(pieces[i:])
        if len(unit) > 1 and is_known(unit):
            return "_".join(pieces[:i]), canonical(unit)
    return text, ""
