"""Timed trainings in an interpreter of its own: reads a spec as JSON from each line, prints a JSON object an epoch.

A script rather than a module: it may run under another version of torch, where nothing of this project is installed. It
goes on until its input ends, since importing torch takes longer than a training; after each it prints an empty object.
"""

import json
import sys
import time


def main() -> None:
    """Trains what each line of the input asks for."""
    for line in sys.stdin:
        train(json.loads(line))
        print("{}", flush=True)


def train(spec: dict[str, str]) -> None:
    """Trains a small net on a task that it can learn: in which half is a sequence's last symbol? Times each epoch."""
    import torch
    from torch import nn

    torch.set_num_threads(int(spec["threads"]))
    device = "cuda" if spec["device"] == "gpu" else "cpu"
    torch.manual_seed(int(spec["seed"]))
    symbols = torch.randint(0, 16, (int(spec["rows"]), 24), device=device)
    labels = (symbols[:, -1] >= 8).long()

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.readout = nn.Embedding(16, 32), nn.Linear(64, 2)
            self.mix = nn.ModuleList([nn.Linear(32 if n == 0 else 64, 64) for n in range(3)])

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            hidden = self.embedding(batch)
            for layer in self.mix:
                hidden = torch.tanh(layer(hidden))
            return self.readout(hidden[:, -1])

    model = Net().to(device)
    step_model = torch.compile(model) if spec["compile"] == "on" else model
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    batch_size = int(spec["batch_size"])
    for _ in range(int(spec["epochs"])):
        started = time.perf_counter()
        wrong = 0.0
        for start in range(0, len(symbols) - batch_size + 1, batch_size):
            batch, right = symbols[start : start + batch_size], labels[start : start + batch_size]
            with torch.autocast(device, torch.bfloat16, enabled=spec["precision"] == "bfloat16"):
                logits = step_model(batch)
                loss = nn.functional.cross_entropy(logits.float(), right)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            wrong += float((logits.argmax(1) != right).float().sum())
        seen = (len(symbols) // batch_size) * batch_size
        print(json.dumps({"error": wrong / seen, "epoch_seconds": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
