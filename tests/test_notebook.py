"""`softal.Campaign` in scripts and notebooks: it shows how it goes, and what it found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import softal
from softal.orchestrator.workers.in_process import in_process

HARMFUL = "<script>"


def bowl(x: float, kind: str) -> dict[str, Any]:
    return {"f": ((x - 0.3) ** 2 + (kind == HARMFUL), 0.01)}


def make(folder: Path, **changes: Any) -> softal.Campaign:
    data: dict[str, Any] = {
        "name": "cell",
        "simulator": bowl,
        "space": {"x": {"low": 0, "high": 1, "unit": "nm"}, "kind": {"choices": ["a", HARMFUL]}},
        "objective": {"minimize": "f"},
        "strategy": "sobol",
        "surrogate": "none",
        "tracking": {"mlflow": "off"},
        "budget": {"trials": 8},
    }
    return softal.Campaign(runs=folder / "runs", **{**data, **changes})


def test_a_script_shows_how_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = make(tmp_path, workers={"concurrent": 1})
    assert campaign.launch(executor=in_process).state == "finished"
    shown = capsys.readouterr()
    assert shown.out == "", "the script's own"
    assert "trial    0  f " in shown.err
    assert "Writing the report ..." in shown.err
    opened = softal.Campaign.open(campaign.folder)
    assert len(opened.list_trials()) == 8
    assert isinstance(opened, softal.Campaign)


def test_by_hand_says_what_it_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = make(tmp_path, simulator={"kind": "by_hand", "outputs": ["f"]})
    asked = campaign.ask(2)
    page = asked._repr_html_()
    assert f"<td>{asked[1].point['x']:.6f}</td>" in page
    campaign.tell(0, {"f": 1})
    assert capsys.readouterr() == ("", "")
    campaign.catch_up()
    assert capsys.readouterr().err == "Writing the report ...\n"
    assert "1 done, 1 running" in campaign._repr_html_()
    assert campaign.ask(9, trials=1)._repr_html_() == "No point: all 1 trials are finished."


def test_a_campaign_is_shown_as_html(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    campaign = make(Path())
    assert "not launched" in campaign._repr_html_()
    assert "minimize f over x, kind" in campaign._repr_html_()
    ending = campaign.launch(softal.Silent(), executor=in_process)
    assert capsys.readouterr() == ("", "")
    page = campaign._repr_html_()
    assert campaign.best is not None
    assert f"(trial {campaign.best.id})" in page
    assert 'href="runs/cell/report.html"' in page
    assert "x [nm]" in page
    assert page.count("<tr>") == 1 + 5, "a header and five trials"
    assert "&lt;script&gt;" in page
    assert HARMFUL not in page
    assert ending._repr_html_() == (
        '<b>Finished</b>: all 8 trials are finished. <a href="runs/cell/report.html" target="_blank">Report</a>'
    )


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """IPython's own shell, which publishes what is displayed."""
    pytest.importorskip("IPython")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setattr(HistoryManager, "enabled", False)
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_cell_follows_a_campaign(tmp_path: Path, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from IPython.utils.capture import capture_output

    from softal.terminal.notebook import NotebookDisplay, in_notebook

    assert not in_notebook(), "IPython in a terminal shows no HTML"
    campaign = make(tmp_path)
    with capture_output() as captured, NotebookDisplay(campaign, campaign.budget) as display:
        campaign.launch(display, executor=in_process)
        display.message("MLflow is <away>")
    first, *later = captured.outputs
    assert "not launched" in first._repr_html_()
    assert all(one.update for one in later), "one cell's output, which changes"
    assert any('<progress value="1.000"' in one._repr_html_() for one in later)
    last = later[-1]._repr_html_()
    assert "finished" in last
    assert "MLflow is &lt;away&gt;" in last
    assert "<progress" not in last
    assert captured.stderr == "", "what could not be shown"
