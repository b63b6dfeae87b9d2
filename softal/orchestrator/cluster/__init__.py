"""Ray: started here, joined, or given a job."""

import os

# Ray reads it when it is imported. Without it, its start puts a handler in the place of that of SIGTERM, behind
# Python's back, which prints a stack and aborts.
os.environ.setdefault("RAY_DISABLE_FAILURE_SIGNAL_HANDLER", "1")
