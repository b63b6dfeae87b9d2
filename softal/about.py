"""What softal is called: its version, and where its code lies."""

from pathlib import Path

__version__ = "0.1.0"
FOLDER = Path(__file__).parent
SURROGATE, LEARNER = "surrogate", "learner"  # in a campaign's folder, and what records of versions are of
