"""Trains a campaign's surrogate and learner again, in a process of its own that gives its memory back.

python -m softal.orchestrator.retraining FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign

NICENESS = 10  # it gives way to whoever uses the machine


def main() -> None:
    """Train what the campaign in a folder has; one line on stderr says what went wrong."""
    os.nice(NICENESS)
    try:
        Campaign.open(Path(sys.argv[1])).retrain()
    except SoftalError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
