"""The journal of a campaign that is not running, open for writing: several people may ask, tell and add at a time."""

from __future__ import annotations

import time
from pathlib import Path

from softal.errors import CampaignStateError
from softal.tracking.journal import Journal
from softal.tracking.lock import in_use
from softal.tracking.standing import state_of

PATIENCE = 60.0  # seconds that one waits for another who asks or tells
PAUSE = 0.1  # seconds between attempts


def opened(folder: Path, patience: float = PATIENCE) -> Journal:
    """Open the journal, once nobody else asks or tells.

    Raises:
        CampaignStateError: if there is none, if the campaign is running, or another one takes too long.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return Journal.open(folder, read_only=False)
        except CampaignStateError as error:
            if not in_use(folder):
                raise
            if _runs(folder):
                raise CampaignStateError(f"the campaign is running, and its journal has one writer: {error}") from error
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)


def _runs(folder: Path) -> bool:
    with Journal.open(folder) as journal:
        return state_of(journal.info, running=True) == "running"
