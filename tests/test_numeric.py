"""Values with errors as people read them, in the terminal and in the report alike."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softal import numeric
from softal.cards.text import duration, percent, quality
from softal.terminal import console
from softal.tracking.report import data


@pytest.mark.parametrize("with_error", [console.with_error, data.with_error])
@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (3.014e-17, 8.1e-19, "(3.014 ± 0.081)e-17"),
        (-3.014e-17, 8.1e-19, "(-3.014 ± 0.081)e-17"),
        (2e-20, 8.1e-19, "(0.2 ± 8.1)e-19"),
        (0.0, 1e-9, "(0.0 ± 1.0)e-09"),
        (6.837e22, 1.5e21, "(6.84 ± 0.15)e+22"),
        (0.00012, 0.00004, "0.000120 ± 0.000040"),
        (1234567.0, 1200.0, "1234567 ± 1200"),
        (0.3, 1e-12, "0.3 ± 1e-12"),
        (1e12 + 0.5, 0.25, "1e+12 ± 0.25"),
        (math.nan, 0.1, "nan"),
        (1e-17, None, "1e-17"),
    ],
)
def test_small_and_large_numbers_stay_short(
    with_error: Callable[[float, float | None], str], value: float, error: float | None, shown: str
) -> None:
    assert with_error(value, error) == shown


@given(st.floats(-1e300, 1e300), st.floats(1e-300, 1e300))
@settings(deadline=None, derandomize=True)
def test_every_value_fits_a_column_and_is_read_back(value: float, error: float) -> None:
    text = numeric.with_error(value, error)
    assert len(text) <= 32
    mantissa, _, spread = text.strip("(").partition(" ± ")
    power = text.partition(")e")[2] or "0"
    assert float(mantissa) * 10.0 ** int(power) == pytest.approx(value, abs=0.06 * error, rel=1e-8)
    assert float(spread.partition(")")[0]) * 10.0 ** int(power) == pytest.approx(error, rel=0.06)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (3.5e-4, "0.35 ms"), (0.012, "12 ms"), (0.9996, "1.0 s"), (2.34, "2.3 s"), (9.96, "10 s"), (41.2, "41 s"),
        (59.7, "1 min 00 s"), (160.8, "2 min 41 s"), (3599.8, "1 h 00 min"), (7500, "2 h 05 min"),
        (172_900, "2 days 0 h"), (1e6, "11 days 14 h"),
    ],
)  # fmt: skip
def test_times_have_one_form(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_parts_and_qualities_have_one_form() -> None:
    assert (percent(0.9468), percent(1.0)) == ("94.7 %", "100.0 %")
    assert quality(0.05123, 0.7) == "RMSE 0.0512, R² 0.70"
