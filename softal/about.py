"""What softal is called: its version, where its code lies, and how its commands are typed."""

import shlex
from pathlib import Path

__version__ = "0.1.0"
FOLDER = Path(__file__).parent
SURROGATE, LEARNER = "surrogate", "learner"  # in a campaign's folder, and what records of versions are of


def command(*words: object) -> str:
    """Return a command of softal as a shell takes it, such as `softal resume 'my runs/argon'`."""
    return shlex.join(["softal", *map(str, words)])
