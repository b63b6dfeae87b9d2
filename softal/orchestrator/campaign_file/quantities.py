"""Durations and amounts of memory, as people write them."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from softal.kinds.validation import show

SECONDS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
BYTES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_PART = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]+)\s*")
_LONGEST = 100 * 365 * 86400.0  # a century: Ray and the clock take no infinite times


def seconds(value: object) -> float:
    """Return a duration [s] of `10 min`, `1 h 30 min`, `45 s`, or a number of seconds.

    Raises:
        ValueError: it is none, naming what is allowed.
    """
    total = _number(value) if not isinstance(value, str) else _sum(value, SECONDS)
    if total is None or not 0 <= total <= _LONGEST:
        raise ValueError(
            f"{show(value)} is not a duration; allowed: seconds, or text such as `45 s`, `10 min`, `1 h 30 min`"
        )
    return total


def number_of_bytes(value: object) -> int:
    """Return an amount of memory [bytes] of `2 GiB`, `500 MB`, or a number of bytes.

    Raises:
        ValueError: it is none, naming what is allowed.
    """
    total = _number(value) if not isinstance(value, str) else _sum(value, BYTES, parts=1)
    if total is None or not 1 <= total <= 2**60:
        raise ValueError(f"{show(value)} is not an amount of memory; allowed: bytes, or text such as `500 MB`, `2 GiB`")
    return int(total)


Duration = Annotated[float, BeforeValidator(seconds), WithJsonSchema({"type": "duration"})]
Memory = Annotated[int, BeforeValidator(number_of_bytes), WithJsonSchema({"type": "memory"})]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _sum(text: str, units: dict[str, float] | dict[str, int], parts: int = 5) -> float | None:
    found = _PART.findall(text)
    if not 1 <= len(found) <= parts or _PART.sub("", text) or any(unit not in units for _, unit in found):
        return None
    return sum(float(number) * units[unit] for number, unit in found)
