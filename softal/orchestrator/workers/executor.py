"""What runs simulations and agents, as the loop sees it: one protocol, so that the loop knows no Ray.

RayExecutor   cluster/ray_executor.py   tasks and actors of Ray
InProcess     workers/in_process.py     threads of this process: for tests, and for single runs
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from softal.errors import SoftalError
from softal.orchestrator.status import Status
from softal.orchestrator.workers.job import Job, Outcome, Task
from softal.trial import Trial

Handle = Hashable  # of tasks that were submitted, or of a call of an agent


class AgentFailed(SoftalError):
    """An agent raised an error, or died more often than it is rebuilt."""


class Agent(Protocol):
    """An object with a life beside the loop, that answers one call at a time."""

    def call(self, method: str, *arguments: Any, **named: Any) -> Handle:
        """Begin a call of one of its methods."""

    def end(self) -> None:
        """End it at once."""


class Figures(Protocol):
    """Live figures of a campaign, for whoever looks at them while it runs."""

    def trial(self, trial: Trial) -> None:
        """Count a finished trial."""

    def status(self, status: Status) -> None:
        """Show how the campaign stands."""

    def surrogate(self, record: dict[str, Any]) -> None:
        """Show how good the surrogate's latest version is."""


class Executor(Protocol):
    """Runs tasks of one job on workers, and agents beside them.

    Any of its methods may raise ExecutorGone; those that end something do nothing then.

    Attributes:
        slots: how many tasks the workers can run at once; `refresh` follows workers that come and go.
        here: how many of these workers have come, the others still start; `refresh` follows, too.
        exclusive: whether it has room for just these tasks, so that one more waits in its own queue.
        dashboard: the address of a page that shows what runs, if there is one.
    """

    @property
    def slots(self) -> int:
        """How many tasks run at once."""

    @property
    def here(self) -> int:
        """How many tasks run now, of as many as there are slots."""

    @property
    def exclusive(self) -> bool:
        """Whether one more waits in a queue of its own."""

    @property
    def dashboard(self) -> str | None:
        """A page's address."""

    def serve(self, job: Job, memory: int | None = None) -> None:
        """Take the job whose tasks are to come; memory of each submission [bytes]."""

    def submit(self, name: str, tasks: Sequence[Task]) -> Handle:
        """Begin tasks that are evaluated at once, under a name for people."""

    def wait(self, handles: Sequence[Handle], timeout: float | None) -> list[Handle]:
        """Wait until one of tasks and calls has ended, and return all that have; none after the timeout [s]."""

    def outcomes(self, handle: Handle) -> list[Outcome]:
        """Return what became of tasks that have ended; WorkerLost, or one of its kinds, where they have none."""

    def cancel(self, handles: Sequence[Handle]) -> None:
        """Stop tasks at once, whose outcomes nobody wants any more."""

    def agent(self, name: str, kind: type, brief: Any) -> Agent:
        """Start an agent `kind(brief)`."""

    def answer(self, handle: Handle) -> Any:
        """Return the answer of a call that has ended; AgentFailed says what happened to the agent."""

    def figures(self, campaign: str) -> Figures:
        """Return where the campaign's live figures go."""

    def refresh(self) -> None:
        """Count the slots again."""
