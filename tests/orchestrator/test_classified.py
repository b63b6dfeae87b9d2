"""`softal classify`: particles of files by what was learned, for people, programs and OVITO."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gsd.hoomd
import numpy as np
import pytest
from thermal_crystals import SPACE, WORDS, crystal, crystals
from typer.testing import CliRunner

from softal import typer_cli
from softal.errors import SoftalError
from softal.objective import learn
from softal.space import Space
from softal.surrogates import build_learner
from softal.trajectories import Frame, write

pytestmark = pytest.mark.physics  # compiles

Run = Callable[..., str]


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign that has learned fcc, NaCl, AlB2 and fluids."""
    made = build_learner("particle_phases", Space(SPACE), {}, replace(learn("q_6"), words={"labels": WORDS}))
    made.fit(crystals(24))
    folder = tmp_path_factory.mktemp("campaign")
    made.save(folder / "learner" / "latest")
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs `softal classify` in a folder and returns what it prints."""
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: str | Path) -> str:
        done = CliRunner().invoke(typer_cli.app, ["classify", *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    return ran


def file_of(path: Path, structure: str = "AlB2", names: tuple[str, ...] = ("large", "small")) -> Path:
    """Write two frames of a crystal, shaken a little; types go by their names' order."""
    x, box, types, _ = crystal(structure)
    shaken = [np.mod(x + np.random.default_rng(i).normal(0, 0.03, x.shape), box) for i in range(2)]
    write(path, [Frame(one, box, types, names, 10 * i) for i, one in enumerate(shaken)])
    return path


def test_each_particle_has_its_label(run: Run, learner: Path, tmp_path: Path) -> None:
    said = run(file_of(tmp_path / "mine.gsd"), "--learner", learner, "--json")
    [found] = json.loads(said)
    assert found["labels"] == [*WORDS, "unknown"]
    assert [one["step"] for one in found["frames"]] == [0, 10]
    part = found["frames"][1]["fractions"]
    assert part["AlB2_large"] == pytest.approx(1 / 3, abs=0.05)
    assert part["AlB2_small"] == pytest.approx(2 / 3, abs=0.05)
    with gsd.hoomd.open(name=str(tmp_path / "mine.classified.gsd"), mode="r") as file:
        logged = {name: np.asarray(values) for name, values in file[1].log.items()}
        types = np.asarray(file[1].particles.typeid)
    names = np.array(found["labels"])[logged["particles/label"]]
    assert np.mean((names == "AlB2_large") == (types == 0)) > 0.95
    assert logged["particles/probability"].min() > 0.2


def test_what_people_see(run: Run, learner: Path, tmp_path: Path) -> None:
    picture = tmp_path / "last.png"
    said = run(file_of(tmp_path / "mine.gsd"), "--learner", learner, "--picture", picture, "--out", "a.gsd")
    assert "2 frames, 288 particles" in said
    assert "mean" in said
    assert "a.gsd" in said
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_species_are_told_which_is_the_larger(run: Run, learner: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path / "mine.gsd", names=("Zn", "Al"))  # sorted, Al would be the first
    _, parts = (
        json.loads(run(file, "--learner", learner, "--json", "--species", order))[0]["frames"][0]["fractions"]
        for order in ("Al,Zn", "Zn,Al")
    )
    assert parts["AlB2_large"] == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--species", "A,B"], "has the types large, small, and 'A, B' is given"),
        (["--out", "mine.gsd"], "it is the file that is read"),
        (["none.xyz"], "none.xyz: no configuration can be read from it: .*No such file"),
        (["mine.gsd", "--picture", "a.png"], "--picture is given with 2 files"),
        (["--learner", "nowhere"], "no trained learner of particles in nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    run: Run, learner: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    file_of(tmp_path / "mine.gsd")
    with pytest.raises(SoftalError, match=said) as error:
        run("mine.gsd", "--learner", learner, *arguments)
    assert "\n" not in str(error.value)


def test_what_ends_in_the_middle_leaves_the_old_file(run: Run, learner: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.xyz"
    atoms = "".join(f"A {x} 0 0\n" for x in range(4))
    file.write_text(f'4\nLattice="5 0 0 0 5 0 0 0 5"\n{atoms}4\nLattice="5 0 0 0 5 0 0 0 5"\nA 0 0 0\n')
    (tmp_path / "mine.classified.gsd").write_text("of yesterday")
    with pytest.raises(SoftalError, match="frame 1: it has less than the 4 lines"):
        run(file, "--learner", learner)
    assert (tmp_path / "mine.classified.gsd").read_text() == "of yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.classified.gsd", "mine.xyz"]
