"""Run parameters of GROMACS, `key = value ; comment`: what softal reads and sets in them.

GROMACS takes `gen-seed`, `gen_seed` and `Gen-Seed` for the same key, and refuses one that stands there twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SEEDS = ("gen-seed", "ld-seed")  # of each run; their own default, -1, is another one each time
OTHER_SEEDS = ("lmc-seed", "awh-seed")  # of methods that not every run has
_ENTRY = re.compile(r"^[ \t]*(?P<key>[\w-]+)[ \t]*=[ \t]*(?P<value>[^\n]*?)[ \t]*$", re.MULTILINE)


def without_comments(text: str) -> str:
    """Return a file of GROMACS without what stands behind semicolons, on the same lines."""
    return re.sub(r"[ \t]*;[^\n]*", "", text)


def entries(text: str) -> dict[str, str]:
    """Return key, as it is compared -> value, of a text without comments."""
    return {compared(found["key"]): found["value"] for found in _ENTRY.finditer(text)}


def compared(key: str) -> str:
    """Return a key as GROMACS compares it."""
    return re.sub("[-_]", "", key).casefold()


def with_entries(text: str, changed: Mapping[str, object]) -> str:
    """Return a text without comments in which keys have other values; those that are not there stand at its end."""
    new = {compared(key): f"{key} = {value}" for key, value in changed.items()}
    said = set(entries(text))
    text = _ENTRY.sub(lambda found: new.get(compared(found["key"]), found[0]), text)
    return "\n".join([text.rstrip("\n"), *(line for key, line in new.items() if key not in said)]) + "\n"


def seeded(text: str, seed: int) -> dict[str, int]:
    """Return the keys of generators that GROMACS would seed itself, with the seed of the trial."""
    said = entries(text)
    free = [key for key in SEEDS if said.get(compared(key), "-1") == "-1"]
    return dict.fromkeys(free + [key for key in OTHER_SEEDS if said.get(compared(key)) == "-1"], seed)


def fixed_seeds(text: str) -> list[str]:
    """Return the entries that seed a generator with the same number each time, such as `gen-seed = 173529`."""
    said = entries(text)
    found = {key: said[compared(key)] for key in (*SEEDS, *OTHER_SEEDS) if compared(key) in said}
    return [f"{key} = {value}" for key, value in found.items() if value.isdigit()]


def scaled_steps(text: str, fidelity: float) -> dict[str, int]:
    """Return `nsteps` for a part of the run; ValueError where the text has no number of steps that ends."""
    value = entries(text).get("nsteps", "0")
    if not value.isdigit() or int(value) == 0:
        raise ValueError(f"nsteps is {value}, and the run is to be scaled by fidelity {fidelity:g}: a number is needed")
    return {"nsteps": max(1, round(fidelity * int(value)))}
