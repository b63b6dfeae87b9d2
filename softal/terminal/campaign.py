"""The campaign of scripts and notebooks, `softal.Campaign`: it shows how it goes while it runs, and what it found."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from softal.orchestrator import campaign as quiet
from softal.orchestrator.campaign import Silent

if TYPE_CHECKING:
    from softal.orchestrator.by_hand.catching_up import CaughtUp
    from softal.orchestrator.loop.loop import Listener
    from softal.orchestrator.loop.session import Ending

__all__ = ["Campaign", "Silent"]


class Campaign(quiet.Campaign):
    """One campaign and its folder of state, which shows how it goes.

    Args:
        simulator: a kind with its settings as in the file, or a Simulator or function point -> dict of your own.
        space, objective, strategy, surrogate, learner, budget, workers, cluster, tracking, constraints, seed, name: as
            in the file.
        runs: folder in which the campaign has its folder of state.
        folder: what relative paths are relative to.

    Raises:
        CampaignFileError: with every mistake at once.
    """

    def launch(self, listener: Listener | None = None, **hooks: Any) -> Ending:
        """Run the campaign until its budget is used up, and show how it goes.

        Args:
            listener: hears what happens, and shows it or not; `Silent()` shows nothing. None is a display: a cell's in
                a notebook, else one on the standard error.
            hooks: passed on to the session.

        Raises:
            CampaignStateError: if its folder holds a campaign already.
        """
        with self._display(listener) as heard:
            return super().launch(heard, **hooks)

    def resume(
        self,
        listener: Listener | None = None,
        *,
        trials: int | None = None,
        hours: float | None = None,
        target: float | None = None,
        **more: Any,
    ) -> Ending:
        """Go on where the campaign stopped, and show how it goes; see `launch`, and the campaign of which this is."""
        limits: dict[str, Any] = {"trials": trials, "hours": hours, "target": target}
        with self._display(listener, **limits) as heard:
            return super().resume(heard, **limits, **more)

    def catch_up(self, listener: Listener | None = None) -> CaughtUp:
        """Learn from what was told, write the report and bring MLflow up to date, and show what is done."""
        from softal.terminal.console import Steps
        from softal.terminal.notebook import in_notebook
        from softal.terminal.output import Terminal

        steps = Steps(Terminal(stderr=True)) if listener is None and not in_notebook() else listener
        with self._display(steps) as heard:
            return super().catch_up(heard)

    def _display(self, listener: Listener | None, **limits: float | None) -> AbstractContextManager[Listener]:
        from softal.terminal.console import Display
        from softal.terminal.notebook import NotebookDisplay, in_notebook
        from softal.terminal.output import Terminal

        if listener is not None:
            return nullcontext(listener)
        if in_notebook():
            return NotebookDisplay(self, self.budget_with(**limits))
        return Display(Terminal(stderr=True), self.spec.space, self.budget_with(**limits))

    def _repr_html_(self) -> str:
        """Return what a notebook shows of the campaign."""
        from softal.terminal.notebook import show_campaign

        return show_campaign(self).html()
