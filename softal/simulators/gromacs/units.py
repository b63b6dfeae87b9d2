"""Units of the terms of `gmx energy`, whose .xvg names each unit once, so that it is not certain whose they are."""

from __future__ import annotations

import re

# By the names without regard to case, dots, and whether hyphens or spaces stand between words (ifunc.cpp, enerdata).
_UNITS = {
    "kJ/mol": r"potential|kinetic en|total energy|conserved en|enthalpy|pv|vir [xyz]{2}|disper corr|position rest"
    r"|bond|angle|u b|proper dih|improper dih|per imp dih|ryckaert bell|cmap dih|com pull en"
    r"|(lj|coulomb|coul|buck|bham)( .*)? \((sr|lr)\)|(lj|coulomb) 14|(lj|coul) recip",
    "K": r"temperature|t .+",
    "bar": r"pressure|pres (dc|[xyz]{2})",
    "kg/m^3": r"density",
    "nm": r"box [xyz]{1,2}",
}


def unit_of(term: str) -> str:
    """Return the unit of a term, `Total Energy` or `Total-Energy`; empty where it is none that softal converts."""
    name = " ".join(re.sub("-", " ", term.casefold().replace(".", "")).split())
    return next((unit for unit, names in _UNITS.items() if re.fullmatch(names, name)), "")
