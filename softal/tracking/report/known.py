"""How many results each proposal of a model knew, beside how many were in when its simulation began."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.statistics import thin
from softal.tracking.report.data import CampaignData
from softal.trial import Trial, TrialState

MAX_DOTS = 2000


def modelled(data: CampaignData) -> list[Trial]:
    """Return the trials that a model proposed and that have begun, in the order of their ids."""
    return [trial for trial in data.trials if type(trial.notes.get("results")) is int and trial.started is not None]


def sentence(data: CampaignData) -> str:
    """Return in words how many of the proposals knew all results, and how many were no model's."""
    trials = modelled(data)
    lacked = [late for late in _lacking(data, trials) if late]
    of = f"{len(trials) - len(lacked)} of {len(trials)} proposals by a model knew all results that were in when their "
    of += "simulation began"
    if len(set(lacked)) > 1:
        of += f"; the others lacked {_results(int(np.median(lacked)))} in the median, at most {max(lacked)}"
    elif lacked:
        of += f"; {'one' if len(lacked) == 1 else 'the others'} lacked {_results(lacked[0])}"
    initial = sum(trial.notes.get("acquisition") == "initial" for trial in data.trials if trial.started is not None)
    return f"{of}. {initial} trial{'s were' if initial > 1 else ' was'} the initial design." if initial else f"{of}."


def figure(data: CampaignData) -> go.Figure | None:
    """Each proposal of a model as a dot, and the results that were in at its start as a line."""
    trials = modelled(data)
    if len(trials) < 2:
        return None
    trials = [trials[i] for i in thin(len(trials), MAX_DOTS)]
    ends = sorted(t.finished for t in data.trials if t.state is TrialState.DONE and t.finished is not None)
    made = theme.figure(260)
    x = [trial.id for trial in trials]
    known_then = [bisect_right(ends, trial.started or 0.0) for trial in trials]
    line = {"color": theme.MUTED, "width": 1.2}
    made.add_trace(go.Scatter(x=x, y=known_then, mode="lines", name="results that were in", line=line))
    marker = {"color": theme.INK, "size": 5}
    text = [theme.hover(trial, data.space.units) for trial in trials]
    y = [trial.notes["results"] for trial in trials]
    made.add_trace(
        go.Scatter(
            x=x, y=y, mode="markers", name="results that it knew", marker=marker, hovertext=text, hoverinfo="text"
        )
    )
    made.update_xaxes(title_text="trial")
    made.update_yaxes(title_text="results")
    return theme.style_axes(made)


def _lacking(data: CampaignData, trials: list[Trial]) -> list[int]:
    """Return for each trial how many results were in when it began that were not when its proposal was asked for."""
    finished = [(trial.told, trial.finished) for trial in data.trials if trial.told and trial.finished]
    told = np.array([number for number, _ in finished], dtype=np.int64)
    ends = np.array([end for _, end in finished], dtype=np.float64)
    return [int(np.sum((told > trial.asked_after) & (ends <= (trial.started or 0.0)))) for trial in trials]


def _results(results: int) -> str:
    return f"{results} result{'s' * (results != 1)}"
