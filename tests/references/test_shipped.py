"""The references in campaigns/data are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from softal.references import Reference, load_reference
from softal.simulators.silica.silica import Silica

DATA = Path(__file__).parents[2] / "campaigns" / "data"
SYNTHETIC = DATA / "silica_chik_synthetic_gr.csv"


def converted(array: str, path: Path, range: tuple[float, float]) -> Reference:
    silica = Silica()
    assert silica.outputs is not None
    reference = load_reference(array, path, range=range)
    reference = reference.converted(silica.outputs.grid_units[array], silica.outputs.array_units[array])
    assert silica.check_reference(reference) is None
    return reference


def test_the_synthetic_reference_says_that_it_is_synthetic_and_how_it_was_made() -> None:
    header = [line for line in SYNTHETIC.read_text().splitlines() if line.startswith("#")]
    assert header[0].startswith("# Synthetic: simulated by softal")
    assert any(line.startswith("# command: softal simulate silica --set potential=CHIK") for line in header)
    assert any('"particles": 3000' in line for line in header)
    assert any(line.startswith("# fidelity: 1;") for line in header)


@pytest.mark.parametrize(
    ("array", "position", "height"), [("g_SiO", 1.618, 9.5), ("g_OO", 2.646, 2.73), ("g_SiSi", 3.117, 2.94)]
)
def test_the_synthetic_reference_has_chiks_peaks(array: str, position: float, height: float) -> None:
    """Against an independent calculation with other code, 648 atoms: within a bin, and 3 %."""
    reference = converted(array, SYNTHETIC, (0, 6))
    assert reference.grid_unit == "angstrom"
    assert reference.size == 120
    assert reference.grid[np.argmax(reference.values)] == pytest.approx(position, abs=0.05)
    assert np.max(reference.values) == pytest.approx(height, rel=0.03)


def test_the_measured_glass() -> None:
    """F(0) = -(c_Si b_Si + c_O b_O)^2 for a glass that is hardly compressible; the first sharp peak is at 1.5."""
    reference = converted("neutron_fq", DATA / "silica_glass_neutron_fq.csv", (0.6, 20))
    mean_length = (4.1491 + 2 * 5.803) / 3
    assert reference.values[0] == pytest.approx(-((mean_length / 10) ** 2), rel=0.1)
    low = (reference.grid > 1) & (reference.grid < 2)
    assert reference.grid[low][np.argmax(reference.values[low])] == pytest.approx(1.52, abs=0.05)
