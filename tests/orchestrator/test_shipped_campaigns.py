"""Every campaign file that softal ships is right, once the campaigns that train what it needs have been run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from softal.errors import CampaignFileError
from softal.orchestrator.campaign_file.schema import load_campaign_file

CAMPAIGNS = Path(__file__).parents[2] / "campaigns"
FILES = sorted(CAMPAIGNS.rglob("*.yaml"))
CLASSIFIERS = {
    "hcss_phases": (2, ["fluid", "hex", "qc10", "qc12", "qc18", "sq"]),
    "rods_phases": (3, ["hex3d", "isotropic", "qc12_3d", "smectic", "sq3d"]),
}
PARTICLES = {
    "sphere_crystals": ("particle_phases", ["fluid", "fcc", "hcp"]),
    "sphere_environments": ("environments", ["cluster 1", "cluster 2", "cluster 3"]),
}
NEEDED = re.compile(r"(?:classifier|environments|environment: \w+, learner): (runs/\w+)")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be where the classifiers that campaigns name have been trained, as far as their descriptions go."""
    for name, (dimension, phases) in CLASSIFIERS.items():
        write(tmp_path / "runs" / name, "phase_classifier", {"phases": phases, "dimension": dimension})
    for name, (kind, names) in PARTICLES.items():
        write(tmp_path / "runs" / name, kind, {"names": names})
    monkeypatch.chdir(tmp_path)


def write(campaign: Path, kind: str, state: dict[str, object]) -> None:
    """Write the description of a learner."""
    folder = campaign / "learner" / "latest"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"format": 1, "kind": kind, "state": {**state, "untrained": None}}))


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_right(path: Path) -> None:
    spec = load_campaign_file(path)
    assert spec.built is not None
    if spec.strategy.kind == "table":
        rows = [line for line in (path.parent / spec.strategy.settings.file).read_text().splitlines() if line[0] != "#"]
        assert spec.budget.trials == len(rows) - 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_without_its_classifier_it_says_what_trains_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = NEEDED.search(path.read_text())
    if needed is None:
        load_campaign_file(path)
        return
    with pytest.raises(CampaignFileError, match=rf"`softal launch campaigns/{Path(needed[1]).name}\.yaml` trains it"):
        load_campaign_file(path)


def test_each_has_a_folder_of_its_own_for_its_results() -> None:
    """Two of them were called argon: `make demo` would have gone on with the other one's campaign."""
    said = {path: re.search(r"^name: (\S+)", path.read_text(), re.MULTILINE) for path in FILES}
    names = [name[1] if name else path.stem for path, name in said.items()]
    assert sorted(set(names)) == sorted(names)
