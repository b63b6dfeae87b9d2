"""Passwords in addresses are neither shown nor stored, and are had from elsewhere."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from driving import StopAfter

from softal.errors import CampaignFileError, CampaignStateError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.campaign_file.schema import parse_text
from softal.orchestrator.campaign_file.yaml_text import read_yaml
from softal.orchestrator.workers.in_process import in_process
from softal.passwords import FILE, VARIABLE, complete, keep, password_of, redacted
from softal.service.pages import ui_command, ui_environment
from softal.trial import Trial

SECRET = "S3cr/t@Pw"
URI = f"http://alice:{SECRET}@127.0.0.1:9"
KEPT = "http://alice:***@127.0.0.1:9"
FULL = "http://alice:S3cr%2Ft%40Pw@127.0.0.1:9"
BOWL = """\
# it was http://bob:0ldPw@server once
simulator: bowl:simulate
space: {x: {low: 0, high: 1}}
objective: {minimize: f}
strategy: random
surrogate: none
budget: {trials: 400}
workers: {concurrent: 1, grace: 0 s}
tracking: {mlflow: "URI"}
"""


@pytest.fixture(autouse=True)
def _none_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"refused by {URI}/api/2.0, again", f"refused by {KEPT}/api/2.0, again"),
        ("postgresql+psycopg2://u:p@h/db and redis://:p@h", "postgresql+psycopg2://u:***@h/db and redis://:***@h"),
        ("'mysql://u:p'", "'mysql://u:p'"),
        ("http://host:5000/who@where", "http://host:5000/who@where"),
        ("http://host:5000 for me@there.org", "http://host:5000 for me@there.org"),
        ("sqlite:////data/a:b.db", "sqlite:////data/a:b.db"),
        ("mssql://h/db?user=u&password=p&x=1", "mssql://h/db?user=u&password=***&x=1"),
        ("http://127.0.0.1:8080/?token=abc", "http://127.0.0.1:8080/?token=abc"),  # of `softal serve`
        ("a: b, c@d", "a: b, c@d"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    ("uri", "password"),
    [(URI, SECRET), (FULL, SECRET), (KEPT, None), ("http://alice@h", None), ("http://h:5000/a@b", None)],
)
def test_the_password_of_an_address(uri: str, password: str | None) -> None:
    assert password_of(uri) == password


def test_it_is_had_from_the_environment_or_from_a_file_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert complete(URI, tmp_path) == URI
    assert complete("http://alice@127.0.0.1:9", tmp_path) == "http://alice@127.0.0.1:9"
    with pytest.raises(CampaignStateError, match=rf"{VARIABLE}, or write it into .*{FILE}"):
        complete(KEPT, tmp_path)
    keep(URI, tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert complete(KEPT, tmp_path) == FULL
    assert complete("http://alice@127.0.0.1:9", tmp_path) == FULL
    assert complete("sqlite:////data/mlflow.db", tmp_path) == "sqlite:////data/mlflow.db"
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(CampaignStateError, match="chmod 600"):
        complete(KEPT, tmp_path)
    monkeypatch.setenv(VARIABLE, "other")
    assert complete(KEPT, tmp_path) == "http://alice:other@127.0.0.1:9"


def text_of(uri: str) -> str:
    return BOWL.replace("URI", uri)


@pytest.mark.parametrize("uri", [URI, URI.replace("3", "\\x33"), f"postgresql://u:{SECRET}@h/db"])
def test_a_campaign_file_is_kept_without_it(uri: str, tmp_path: Path) -> None:
    (tmp_path / "bowl.py").write_text("def simulate(x):\n    return {'f': x}\n")
    spec = parse_text(text_of(uri), tmp_path, "bowl")
    assert spec.tracking.mlflow == read_yaml(text_of(uri))["tracking"]["mlflow"]
    assert password_of(spec.tracking.mlflow) == SECRET
    kept = read_yaml(spec.text)
    assert kept.pop("tracking") == {"mlflow": redacted(spec.tracking.mlflow)}
    assert kept.items() <= read_yaml(text_of(uri)).items()
    assert SECRET not in spec.text
    assert "0ldPw" not in spec.text
    assert parse_text(spec.text, tmp_path, "bowl").text == spec.text


@pytest.mark.parametrize(
    ("uri", "said"),
    [("htp://u:S3cret@h", r"'htp://u:\*\*\*@h' is given"), ("mysql://h/db?password=S3cret", "in its query")],
)
def test_a_wrong_address_is_said_without_it(uri: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match=said) as raised:
        parse_text(text_of(uri), tmp_path, "bowl")
    assert "S3cret" not in str(raised.value)


class StopAtOnce(StopAfter):
    """Stops without waiting for MLflow, which is not there."""

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        super().trial_finished(trial, improved)
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def launched(folder: Path, uri: str) -> Campaign:
    (folder / "bowl.py").write_text("def simulate(x):\n    return {'f': x}\n")
    (folder / "bowl.yaml").write_text(text_of(uri))
    return Campaign.from_yaml(folder / "bowl.yaml", runs=folder / "runs")


def test_a_campaign_stores_and_shows_it_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = launched(tmp_path, URI)
    campaign.launch(StopAtOnce(2), executor=in_process)
    campaign.report()
    files = {path.name: path.read_bytes() for path in campaign.folder.rglob("*") if path.is_file()}
    assert {name for name, content in files.items() if SECRET.encode() in content} == {FILE}
    assert b"0ldPw" not in b"".join(files.values())
    assert KEPT in (campaign.folder / "campaign.yaml").read_text()
    assert KEPT.encode() in files["report.html"]
    assert (campaign.folder / FILE).stat().st_mode & 0o777 == 0o600
    again = Campaign.open(campaign.folder)
    assert again.mlflow() == FULL
    assert SECRET not in repr(again.brief(again.mlflow()))
    (campaign.folder / FILE).unlink()
    assert again.status().done  # which needs no password
    with pytest.raises(CampaignStateError, match=VARIABLE):
        again.resume(executor=in_process)
    monkeypatch.setenv(VARIABLE, "new")
    again.resume(StopAtOnce(1), executor=in_process)


def test_a_new_password_is_no_other_campaign(tmp_path: Path) -> None:
    launched(tmp_path, URI).launch(StopAtOnce(2), executor=in_process)
    campaign = launched(tmp_path, URI.replace(SECRET, "new"))
    campaign.resume(StopAtOnce(1), executor=in_process)
    assert (campaign.folder / FILE).read_text() == "new\n"
    with pytest.raises(CampaignStateError, match=r"http://alice:\*\*\*@127\.0\.0\.1:9' -> 'http://bob:\*\*\*@"):
        launched(tmp_path, URI.replace("alice", "bob")).resume(executor=in_process)


def test_a_file_with_a_hidden_password_needs_it_before_anything_is_written(tmp_path: Path) -> None:
    campaign = launched(tmp_path, KEPT)
    with pytest.raises(CampaignStateError, match=VARIABLE):
        campaign.launch(executor=in_process)
    assert not campaign.folder.exists()


def test_a_server_has_it_in_its_environment_not_among_its_arguments() -> None:
    uri = f"postgresql://u:{SECRET}@h/db"
    assert not any(SECRET in word for word in ui_command(5000))
    assert ui_environment(uri)["MLFLOW_BACKEND_STORE_URI"] == uri


def test_the_address_of_a_server_is_said_without_it(tmp_path: Path) -> None:
    from softal.service.pages import serve_mlflow

    said: list[str] = []
    campaign = launched(tmp_path, URI)
    campaign.launch(StopAtOnce(1), executor=in_process)
    serve_mlflow(campaign, 5000, said.append)
    assert said == [f"MLflow     {KEPT}  (experiment 'softal')"]
