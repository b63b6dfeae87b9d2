"""The pages for people: their Python runs, their campaign files are right, their links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE

from softal.orchestrator.campaign_file.schema import load_campaign_file
from softal.simulators.base import Context, validate_observation

ROOT = Path(__file__).parents[1]
SKIPPED = {".venv", "runs", "build", "dist", "node_modules"}
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("campaigns/**/*.md")]
    if not SKIPPED & set(path.relative_to(ROOT).parts)
)
LIBENSEMBLE = pytest.mark.skipif(
    importlib.util.find_spec("libensemble") is None, reason="libEnsemble is not installed (pip install 'softal[gest]')"
)
# A block whose first line is a comment with a file's name.
BLOCK = re.compile(r"^```(?:python|yaml)\n# (\S+\.\w+)\n.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> dict[str, str]:
    """Return file name -> content of the blocks of a page that are files."""
    text = (ROOT / page).read_text()
    return {match[1]: match[0].partition("\n")[2].rpartition("```")[0] for match in BLOCK.finditer(text)}


def write(page: str, folder: Path) -> None:
    for name, text in blocks(page).items():
        (folder / name).write_text(text)


def execute(arguments: list[str], folder: Path, **variables: str) -> str:
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(folder), **variables}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def anchor(heading: str) -> str:
    """Return the name of a heading as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a link is to another site, or to a file, and a heading in it, that are there."""
    if re.match(r"[a-z]+:", link):
        return True
    target, _, part = link.partition("#")
    path = page.parent / target if target else page
    if not path.exists():
        return False
    return not part or part in {anchor(heading) for heading in HEADING.findall(path.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(CODE.sub("", page.read_text()))
    assert not [link for link in links if not leads_somewhere(page, link)]


def test_the_readmes_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("README.md", tmp_path)
    spec = load_campaign_file(tmp_path / "walk.yaml")
    simulator = spec.built
    observation = simulator.run(spec.space.complete({"bias": 0.3}), Context(tmp_path, seed=3))
    assert spec.objective.evaluate(validate_observation(observation, simulator.outputs))[1] == {"cost": 0.01}
    assert observation.values["cost"] < 0.02  # (x - 0.3)^2, x = 0.3 +- 0.03


def test_the_readmes_program(tmp_path: Path) -> None:
    write("README.md", tmp_path)
    (tmp_path / "run.sh").write_text('#!/bin/sh\necho "{\\"cost\\": $2}"\n')
    (tmp_path / "run.sh").chmod(0o755)
    spec = load_campaign_file(tmp_path / "program.yaml")
    simulator = spec.built
    (tmp_path / "work").mkdir()
    assert simulator.check() == []
    assert simulator.run({"bias": 0.5}, Context(tmp_path / "work", seed=3)).values == {"cost": 0.5}


@pytest.mark.learning
@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("README.md", "alone.py"),
        ("docs/python.md", "alone.py"),
        ("docs/python.md", "surrogate.py"),
        ("docs/python.md", "tuning.py"),
        pytest.param("docs/python.md", "ensemble.py", marks=LIBENSEMBLE),
        ("docs/by_hand.md", "by_hand.py"),
        ("docs/supercooled.md", "memory.py"),
        pytest.param("docs/supercooled.md", "glass.py", marks=pytest.mark.long),
        ("docs/supercooled.md", "fit.py"),
    ],
)
def test_parts_alone(page: str, name: str, tmp_path: Path) -> None:
    write(page, tmp_path)
    execute([name], tmp_path)


@pytest.mark.ray
@pytest.mark.parametrize("page", ["README.md", pytest.param("docs/python.md", marks=pytest.mark.long)])
def test_a_campaign_from_python(page: str, tmp_path: Path, ray_address: str) -> None:
    write(page, tmp_path)
    execute(["campaign.py"], tmp_path, RAY_ADDRESS=ray_address)
    assert (tmp_path / "runs/bowl/report.html").stat().st_size > 10_000


@pytest.mark.learning
def test_the_strategy_of_the_contributors_page_keeps_the_contract(tmp_path: Path) -> None:
    write("CONTRIBUTING.md", tmp_path)
    said = execute(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_halton.py"], tmp_path)
    assert " passed" in said
