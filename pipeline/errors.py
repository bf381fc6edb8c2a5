"""Every fault that a user can meet, one class a kind, so that callers can tell them apart.

A message says what was wrong, where, what was expected, and what to do; the command line prints it
as one paragraph and leaves the trace to `--debug`.
"""


class BacktrackError(Exception):
    """Anything that Backtrack refuses or cannot do, with a message meant for the user."""

    # Of the command: 2, what was asked cannot be done; 3, the machines gave up, and another attempt may succeed.
    exit_code = 2


class SpaceError(BacktrackError):
    """A factor, condition, claim or config that does not fit its search space."""


class TaskError(BacktrackError):
    """A task file that cannot be loaded, or a task that is not complete."""


class DataError(BacktrackError):
    """A data file that is absent, empty, or of another schema."""


class StudyError(BacktrackError):
    """A study directory that is absent, taken, damaged, or of another version."""


class PlanError(BacktrackError):
    """A budget or a choice of stages that cannot be carried out."""


class TrackingError(BacktrackError):
    """The tracking store cannot be reached or written."""


class ResourceError(BacktrackError):
    """More is asked for than there is, or a size that cannot be read."""


class Interrupted(BacktrackError):
    """Somebody pressed Ctrl-C: what had finished is recorded."""

    exit_code = 130


class EngineError(BacktrackError):
    """Ray could not be started or gave up: the sweep itself is sound, and may be gone on with."""

    exit_code = 3


class ClusterError(BacktrackError):
    """The cluster cannot be reached, or does not know the job."""


class TrialFailed(Exception):
    """Raised by a function task's `run` to end a training with a named outcome.

    Args:
        outcome: any outcome name other than "ok" (see `backtrack.vocabulary.outcomes.OUTCOMES`).
        message: what happened, kept in the records' `error` column.
    """

    def __init__(self, outcome: str, message: str = "") -> None:
        super().__init__(outcome, message)
        self.outcome = outcome
        self.message = message
