"""The pause of a campaign whose disk is full: nothing is started until there is room again.

The disk may be that of the journal, or one of a worker's, of which the driver knows only that a trial had no room
there. So one trial is tried after longer and longer times, or at once where the driver sees that there is more room.
While those that are tried have room they fill the cluster again, one by one and faster and faster: a simulation takes
hours, and nobody waits for its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from softal.room import LEAST, free

FIRST, LONGEST = 2.0, 60.0  # seconds until a trial is tried
LOOK = 0.5  # seconds between attempts to write the journal


class Pause:
    """Whether a campaign waits for room.

    Args:
        folder: of the campaign.
        say: tells the user.
        ended: whether nobody wants to wait any longer.
    """

    def __init__(self, folder: Path, say: Callable[[str], None], ended: Callable[[], bool]) -> None:
        self._folder, self._say, self._ended = folder, say, ended
        self._since: float | None = None
        self._delay = FIRST
        self._next = 0.0
        self._free = 0
        self._tried = False  # whether a trial was tried that has had room until now

    def begin(self, reason: str) -> None:
        """Wait, since a trial had no room; longer, where it may be one that was tried."""
        if self._since is None:
            self._delay = FIRST
        elif self._tried:
            self._delay = min(2 * self._delay, LONGEST)
        self._tried = False
        self._wait(reason)

    def _wait(self, reason: str) -> None:
        if self._since is None:
            self._say(f"Paused, since a disk is full: {reason}. The campaign goes on by itself when there is room.")
        self._since = time.time()
        self._next = self._since + self._delay
        self._free = free(self._folder)

    def more(self) -> int | None:
        """Return how many more tasks may be handed over; None is any number."""
        if self._since is None:
            return None
        now = free(self._folder)
        return int(now >= LEAST and (time.time() >= self._next or (not self._tried and now >= self._free + LEAST)))

    def handed(self) -> None:
        """Take in that one was: another one follows, sooner where the one before still has room."""
        if self._since is not None:
            if self._tried:
                self._delay = max(FIRST, self._delay / 2)
            self._next, self._tried = time.time() + self._delay, True

    def finished(self, started: float | None) -> None:
        """Take in that a trial has finished, which was started then: after one that began in the pause it is over."""
        if self._since is not None and started is not None and started >= self._since:
            self._since = None
            self._say("There is room again; the campaign goes on.")

    def wait(self, error: Exception) -> bool:
        """Wait a moment before the journal is written again; return whether to try."""
        if self._ended():
            return False
        self._wait(str(error))
        time.sleep(LOOK)
        return True
