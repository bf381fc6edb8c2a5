"""Every fault that a user can meet, one class a kind, so that callers can tell them apart.

A message says what was wrong, where, what was expected, and what to do; the command line prints it
as one paragraph and leaves the trace to `--debug`.
"""


class BacktrackError(Exception):
    """Anything that Backtrack refuses or cannot do, with a message meant for the user.

    Example:
        >>> from backtrack import load_task
        >>> try:
        ...     load_task("sqirrel")
        ... except BacktrackError as fault:
        ...     print(str(fault).partition(";")[0])
        there is no task 'sqirrel'
    """

    # Of the command: 2, what was asked cannot be done; 3, the machines gave up, and another attempt may succeed.
    exit_code = 2


class SpaceError(BacktrackError):
    """A factor, condition, claim or config that does not fit its search space.

    Example:
        >>> from backtrack import Categorical
        >>> Categorical("optimiser", ["sgd"])
        Traceback (most recent call last):
        ...
        backtrack.errors.SpaceError: factor 'optimiser': levels ['sgd']; expected two or more that differ
    """


class TaskError(BacktrackError):
    """A task file that cannot be loaded, or a task that is not complete.

    Example:
        >>> from backtrack import load_task
        >>> load_task("nowhere.py")
        Traceback (most recent call last):
        ...
        backtrack.errors.TaskError: task file nowhere.py does not exist
    """


class DataError(BacktrackError):
    """A data file that is absent, empty, or of another schema.

    Example:
        >>> from backtrack.task.data_files import read_table
        >>> read_table("nowhere.parquet", {"text": "string"})
        Traceback (most recent call last):
        ...
        backtrack.errors.DataError: data file nowhere.parquet does not exist
    """


class StudyError(BacktrackError):
    """A study directory that is absent, taken, damaged, or of another version.

    Example:
        >>> from backtrack import open_study
        >>> open_study("studies/none")
        Traceback (most recent call last):
        ...
        backtrack.errors.StudyError: studies/none holds no study
    """


class PlanError(BacktrackError):
    """A budget or a choice of stages that cannot be carried out.

    Example:
        >>> from backtrack import load_task, sweep
        >>> sweep(load_task("squirrel"), runs=0)
        Traceback (most recent call last):
        ...
        backtrack.errors.PlanError: runs is 0; expected a positive number of training runs
    """


class TrackingError(BacktrackError):
    """The tracking store cannot be reached or written.

    Example:
        >>> issubclass(TrackingError, BacktrackError), TrackingError.exit_code
        (True, 2)
    """


class ResourceError(BacktrackError):
    """More is asked for than there is, or a size that cannot be read.

    Example:
        >>> from backtrack.running.resources import bytes_from
        >>> bytes_from("much")
        Traceback (most recent call last):
        ...
        backtrack.errors.ResourceError: size 'much': expected a number with KB, MB or GB, such as 2GB
    """


class Interrupted(BacktrackError):
    """Somebody pressed Ctrl-C: what had finished is recorded.

    Example:
        >>> Interrupted.exit_code
        130
    """

    exit_code = 130


class EngineError(BacktrackError):
    """Ray could not be started or gave up: the sweep itself is sound, and may be gone on with.

    Example:
        >>> EngineError.exit_code
        3
    """

    exit_code = 3


class ClusterError(BacktrackError):
    """The cluster cannot be reached, or does not know the job.

    Example:
        >>> from backtrack.cluster.submission import status
        >>> status("none", "http://127.0.0.1:9")  # doctest: +SKIP
        Traceback (most recent call last):
        ...
        backtrack.errors.ClusterError: no cluster answers at http://127.0.0.1:9
    """


class TrialFailed(Exception):
    """Raised by a function task's `run` to end a training with a named outcome.

    Args:
        outcome: any outcome name other than "ok" (see `backtrack.vocabulary.outcomes.OUTCOMES`).
        message: what happened, kept in the records' `error` column.

    Example:
        >>> def run(config, seed):
        ...     if config["lr"] > 1:
        ...         raise TrialFailed("diverged", "the rate is hopeless")
        ...     yield {"error": 0.5}
    """

    def __init__(self, outcome: str, message: str = "") -> None:
        super().__init__(outcome, message)
        self.outcome = outcome
        self.message = message
