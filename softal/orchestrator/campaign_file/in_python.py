"""The place that a simulator made in Python has in a campaign file: its name, for people to read."""

from __future__ import annotations

from softal.errors import SimulationError
from softal.kinds.settings import Settings
from softal.simulators.base import Context, Simulator
from softal.trial import Observation, Point


class InPythonSettings(Settings):
    """What the simulator is called where it was made."""

    what: str


class InPython(Simulator):
    """Stands in a campaign file for a function or simulator that only the Python program has that launched it."""

    Settings = InPythonSettings

    def run(self, point: Point, context: Context) -> Observation:
        """Raise: the program that launched the campaign has the simulator."""
        raise SimulationError(self.check()[0])

    def check(self) -> list[str]:
        """Return that only the program that launched the campaign can run it."""
        what = self.settings.what
        return [f"{what!r} was made in Python: resume with Campaign(simulator={what}, ...).resume() from there"]
