"""What listening takes is imported before a training, and not while it runs: eighty files take longer than some do."""

import subprocess
import sys

EARS = "from backtrack.watch.listening.ears import Ears"
TRAINED = """
import sys
import torch

class Nothing:
    def point(self, *given): pass
    def found(self, finding): pass

{before}
ours = {{name for name in sys.modules if name.startswith("backtrack.")}}
ears = Ears(torch, Nothing())
ears.attach()
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    optimiser.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(torch.randn(16, 4)), torch.randint(0, 3, (16,)))
    loss.backward()
    optimiser.step()
ears.detach()
print(sorted({{name for name in sys.modules if name.startswith("backtrack.")}} - ours))
"""


def _imported(before: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TRAINED.format(before=before)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_a_process_that_has_imported_all_imports_nothing_more() -> None:
    assert _imported(f"{EARS}, import_all\nimport_all()") == "[]"


def test_the_parent_of_a_script_s_runs_has_imported_all() -> None:
    assert _imported(f"from backtrack.trial.warm import _import\n_import(['torch'])\n{EARS}") == "[]"
