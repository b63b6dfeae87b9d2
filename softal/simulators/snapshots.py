"""Pictures of configurations: hard cores with their Voronoi tiling, and the diffraction pattern. By matplotlib.

A simulator that wants to be seen returns these arrays; its card and the picture of each trial draw them alike:

    snapshot      positions (N, 2) [sigma], or positions and orientations (N, 6) in three dimensions
    box           its edges (d,) [sigma], periodic
    core          diameter of the hard cores (1,) [sigma]; 1 where it is not there
    diffraction   S(k) (m, m), k = 2 pi (n_x / L_x, n_y / L_y), n from -(m - 1)/2 to (m - 1)/2, mean over snapshots

Three dimensions are seen from above, along z. In a layered phase one layer is drawn, the fullest one, and in any other
a slice with as many particles, since all of them on top of each other would show nothing.

A cell's number of sides leaves out short ones (`observables.voronoi`); of centres that coincide one has a cell.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softal.cards.card import Picture
from softal.numeric import Floats
from softal.simulators.observables.voronoi import distinct, voronoi_cells
from softal.trial import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


NAMES = ("snapshot", "box", "core", "diffraction")  # the arrays that a picture shows
MIN_PARTICLES, MAX_PARTICLES = 3, 20_000
MAX_LAYERS, LAYERED = 12, 0.4  # |<exp(2 pi i n z / L_z)>| above which there are n layers; sqrt(1/N) without any
SLICE_AREA = 1.5  # sigma^2 for each particle of a slice
SIDES = {4: "#e9a23b", 5: "#3f9c8f", 6: "#4a78d6", 7: "#8d5bc0"}  # number of sides -> colour
OTHER_SIDES = "#8a93a6"
PATTERN_COLOURS = ("#000004", "#420a68", "#932667", "#dd513a", "#fca50a", "#fcffa4")  # matplotlib's inferno
CONTRAST = 0.45  # exponent of the intensity scale, near a square root: diffuse rings and Bragg peaks are both seen
BRIGHT = 0.999  # quantile of S(k) that is as bright as it gets; a few peaks hold nearly all of the intensity
DIMMEST = 15.0  # that brightest S(k) at least, so that a fluid, whose S is about 1, looks faint
LONGEST_K = 19.0  # 1/core; three reciprocal lattice vectors of touching cores
PIXELS = 460


@dataclass(frozen=True)
class Snapshot:
    """A configuration as it is drawn, in two dimensions.

    Attributes:
        positions: (n, 2) in [0, L) [sigma].
        box: (2,) [sigma].
        directions: (n, 2) the orientations' components in the plane; None for disks.
        view: how three dimensions are seen, in words; empty in two.
        pattern: S(k) (m, m); None where there is none.
        core: diameter of the hard cores [sigma].
    """

    positions: Floats
    box: Floats
    directions: Floats | None = None
    view: str = ""
    pattern: Floats | None = None
    core: float = 1.0

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Snapshot | None:
        """Return what the arrays show; None where there is no snapshot, or none that could be drawn."""
        if "snapshot" not in arrays or "box" not in arrays:
            return None
        x, box = (np.asarray(arrays[name].values, dtype=np.float64) for name in ("snapshot", "box"))
        if x.ndim != 2 or (x.shape[1], box.shape) not in ((2, (2,)), (6, (3,))):
            return None
        if not MIN_PARTICLES <= len(x) <= MAX_PARTICLES or not (np.isfinite(x).all() and np.isfinite(box).all()):
            return None
        if not np.all(box > 0):
            return None
        if len(box) == 2:
            return cls(np.mod(x, box), box, pattern=_pattern(arrays), core=_core(arrays))
        seen, view = _from_above(x[:, 2], box)
        flat = np.mod(x[seen, :2], box[:2])
        return cls(flat, box[:2], x[seen, 3:5], view, _pattern(arrays)) if len(flat) >= MIN_PARTICLES else None


def _core(arrays: Mapping[str, Array]) -> float:
    found = np.ravel(arrays["core"].values) if "core" in arrays else np.ones(1)
    return float(found[0]) if len(found) == 1 and 0 < found[0] < np.inf else 1.0


def _pattern(arrays: Mapping[str, Array]) -> Floats | None:
    found = arrays.get("diffraction")
    if found is None or found.values.ndim != 2 or len(set(found.values.shape)) != 1 or len(found.values) < 3:
        return None
    values = np.asarray(found.values, dtype=np.float64)
    return values if np.isfinite(values).all() and len(values) % 2 else None


def _from_above(z: Floats, box: Floats) -> tuple[NDArray[np.bool_], str]:
    """Return which particles are drawn, (N,), and what they are, in words: the fullest layer, or a slice."""
    n = np.arange(1, MAX_LAYERS + 1)
    waves = np.exp(2j * np.pi * np.outer(n, z) / box[2]).mean(axis=1)
    layers = int(n[np.abs(waves).argmax()])
    phase = layers * z / box[2] - np.angle(waves[layers - 1]) / (2 * np.pi)
    number = np.floor(phase + 0.5).astype(int) % layers
    seen = number == np.bincount(number, minlength=layers).argmax()
    if np.abs(waves).max() > LAYERED and seen.sum() >= MIN_PARTICLES:
        return seen, f"one of {layers} layers from above" if layers > 1 else "from above"
    part = box[0] * box[1] / (SLICE_AREA * len(z))
    return (np.mod(z, box[2]) <= part * box[2], "a slice from above") if part < 1 else (seen | True, "from above")


def configuration_png(snapshot: Snapshot, pixels: int = PIXELS) -> bytes:
    """Return the hard cores over the Voronoi tiling, edge to edge: nothing but the box."""
    figure, [axes] = _figure(pixels, pixels * float(snapshot.box[1] / snapshot.box[0]))
    axes.set_position((0, 0, 1, 1))
    _draw_configuration(axes, snapshot)
    return _png(figure)


def pattern_png(snapshot: Snapshot, pixels: int = PIXELS) -> bytes | None:
    """Return the diffraction pattern, edge to edge; None where there is none."""
    if snapshot.pattern is None:
        return None
    figure, [axes] = _figure(pixels, pixels)
    axes.set_position((0, 0, 1, 1))
    _draw_pattern(axes, snapshot)
    return _png(figure)


def pictures(snapshot: Snapshot, what: str) -> list[Picture]:
    """Return the configuration, and the diffraction pattern where there is one, for a card; `what` is theirs."""
    found = [Picture(configuration_png(snapshot), f"{what}: configuration and Voronoi cells")]
    pattern = pattern_png(snapshot)
    return found if pattern is None else [*found, Picture(pattern, f"{what}: diffraction pattern")]


def picture(arrays: Mapping[str, Array], title: str) -> Picture | None:
    """Return one picture of configuration and diffraction pattern, with the colours' meaning; None without them."""
    from matplotlib.patches import Patch

    snapshot = Snapshot.of(arrays)
    if snapshot is None:
        return None
    panels = 1 + (snapshot.pattern is not None)
    figure, axes = _figure(PIXELS * panels + 20, PIXELS + 70, panels)
    figure.set_layout_engine("constrained")
    shown = f"{title} ({snapshot.view})" if snapshot.view else title
    figure.suptitle(shown.replace("$", r"\$"), fontsize=10)
    _draw_configuration(axes[0], snapshot)
    if snapshot.pattern is not None:
        _draw_pattern(axes[1], snapshot)
    keys = [Patch(color=colour, label=f"{sides} sides") for sides, colour in SIDES.items()]
    figure.legend(handles=keys, loc="outside lower left", ncols=len(keys), frameon=False, fontsize=9)
    return Picture(_png(figure), f"{title}: configuration and diffraction pattern", frozenset(NAMES))


def _figure(width: float, height: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    # pyplot keeps figures alive and picks a window system; a Figure of one's own, drawn by Agg, does neither.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def _png(figure: Figure) -> bytes:
    from PIL import Image

    drawn, smaller = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="raw")
    picture = Image.frombytes("RGBA", figure.canvas.get_width_height(), drawn.getvalue()).convert("RGB")
    # A palette makes the file a third as large; maximum coverage keeps the colours of rare cells.
    picture.quantize(method=Image.Quantize.MAXCOVERAGE).save(smaller, "png")
    return smaller.getvalue()


def _draw_configuration(axes: Axes, snapshot: Snapshot) -> None:
    from matplotlib.collections import EllipseCollection, LineCollection, PolyCollection

    box = snapshot.box
    found = voronoi_cells(distinct(snapshot.positions, box), box)
    pairs = zip(found.polygons, found.sides, strict=True)
    copies = [(cell + shift, count) for cell, count in pairs for shift in _shifts(cell, box)]
    colours = [SIDES.get(max(int(count), min(SIDES)), OTHER_SIDES) for _, count in copies]
    tiling = PolyCollection([cell for cell, _ in copies], facecolors=colours, edgecolors="#1d243399", linewidths=0.7)
    axes.add_collection(tiling)
    x, core = snapshot.positions, snapshot.core
    corners = np.array([[-0.5, -0.5], [0.5, 0.5]]) * core
    images = [(i, x[i] + shift) for i in range(len(x)) for shift in _shifts(x[i] + corners, box)]
    centres = np.array([centre for _, centre in images])
    cores = EllipseCollection(
        core, core, 0.0, units="xy", offsets=centres, transOffset=axes.transData, facecolors="#ffffff66", linewidths=0
    )
    axes.add_collection(cores)
    if snapshot.directions is not None:
        half = 0.5 * snapshot.directions[[i for i, _ in images]]
        rods = LineCollection(
            list(np.stack([centres - half, centres + half], axis=1)), colors="#1d2433", linewidths=1.2
        )
        axes.add_collection(rods)
    axes.set(xlim=(0, box[0]), ylim=(0, box[1]), aspect="equal")
    axes.set_axis_off()


def _shifts(corners: Floats, box: Floats) -> list[Floats]:
    """Return by which multiples of the box a shape (corners, 2) must be moved to be seen in it."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    steps = [[n for n in (-1, 0, 1) if high[i] + n * box[i] > 0 and low[i] + n * box[i] < box[i]] for i in (0, 1)]
    return [np.array([i, j]) * box for i in steps[0] for j in steps[1]]


def _draw_pattern(axes: Axes, snapshot: Snapshot) -> None:
    """Draw S(k)^CONTRAST in a square of k, so that symmetries look what they are in any box."""
    assert snapshot.pattern is not None
    pattern, box = snapshot.pattern, snapshot.box
    middle = len(pattern) // 2
    dk = 2 * np.pi / box
    shown = np.maximum(pattern, 0.0)
    shown[middle, middle] = 0.0  # k = 0 is N in every phase
    longest = min(LONGEST_K / snapshot.core, *(dk * middle))
    bright = max(DIMMEST, float(np.quantile(shown, BRIGHT)))
    edges = [*(dk[0] * (middle + 0.5) * np.array([-1, 1])), *(dk[1] * (middle + 0.5) * np.array([-1, 1]))]
    axes.imshow(
        (shown.T / bright) ** CONTRAST, origin="lower", extent=tuple(edges), cmap="inferno",
        vmin=0, vmax=1, interpolation="nearest", aspect="equal",
    )  # fmt: skip
    axes.set(xlim=(-longest, longest), ylim=(-longest, longest))
    axes.set_axis_off()
