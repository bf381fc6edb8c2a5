"""What is trained: a black box (`FunctionTask`), a torch model (`TorchTask`) or a program (`ScriptTask`), and how a
task is found.

Tasks know nothing of what runs them. torch is imported only by the trial, never here.
"""

from backtrack.task.function_task import FunctionTask
from backtrack.task.loading import Task, builtin_tasks, load_task
from backtrack.task.script_task import ScriptTask
from backtrack.task.swept import Source
from backtrack.task.torch_task import Data, Loaders, TorchTask

__all__ = ["Data", "FunctionTask", "Loaders", "ScriptTask", "Source", "Task", "TorchTask", "builtin_tasks", "load_task"]
