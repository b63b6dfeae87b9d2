"""How long a test waits for what comes at once on an idle machine.

Suites run three processes of pytest on two cores, each of which starts Rays: what takes 12 s there has taken more than
120. The limit is there for what hangs, not for what is slow.
"""

PATIENCE = 600.0  # s
