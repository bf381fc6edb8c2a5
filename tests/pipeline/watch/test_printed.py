"""Lines of output, as programs print them, read as numbers with names."""

from __future__ import annotations

import math

import pytest

from backtrack.watch.printed import Printed, flat, read_line, series_for

LINES = {
    " *   Acc@1 55.5 (54.0)\tAcc@5 78.9": Printed({"acc_1": 55.5, "acc_5": 78.9}),
    "Epoch 3\tLoss 0.53\tPrec@1 96.47": Printed({"loss": 0.53, "prec_1": 96.47}, 3.0),
    "mAP@0.5:0.95 0.31, mAP@0.5 = 0.5": Printed({"map_0_5_0_95": 0.31, "map_0_5": 0.5}),
    "accuracy 0.41": Printed({"accuracy": 0.41}),
    "val_acc=0.41": Printed({"val_acc": 0.41}),
    "Epoch 3: train loss 0.53, val acc 0.81": Printed({"train_loss": 0.53, "val_acc": 0.81}, 3.0),
    "Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.305": Printed({"loss": 2.305}, 1.0),
    "Test set: Average loss: 0.0498, Accuracy: 9836/10000 (98%)": Printed(
        {"test_loss": 0.0498, "test_accuracy": 0.9836}
    ),
    "313/313 ━━━━ 1s 2ms/step - accuracy: 0.91 - loss: 0.3 - val_accuracy: 0.92": Printed(
        {"accuracy": 0.91, "loss": 0.3, "val_accuracy": 0.92}
    ),
    "step 250: train loss 1.9012, val loss 2.0": Printed({"train_loss": 1.9012, "val_loss": 2.0}, None, 250.0),
    "| end of epoch   1 | time: 25.34s | valid loss  5.23 | valid ppl   187.40": Printed(
        {"time": 25.34, "val_loss": 5.23, "val_ppl": 187.4}, 1.0
    ),
    "global_step=1234, episodic_return=[22.]": Printed({"episodic_return": 22.0}, None, 1234.0),
    "│         test_acc          │     0.9123      │": Printed({"test_acc": 0.9123}),
    "Epoch 0: 100%|███| 10/10 [00:00<00:00, 55.2it/s, train_loss=0.68, val_acc=0.5]": Printed(
        {"train_loss": 0.68, "val_acc": 0.5}, 0.0
    ),
    "{'loss': 0.3, 'eval_accuracy': 0.8, 'epoch': 1.0}": Printed({"loss": 0.3, "eval_accuracy": 0.8}, 1.0),
    '{"epoch": 2, "loss": 0.4, "val": {"acc": 0.7}, "tag": "x"}': Printed({"loss": 0.4, "val_acc": 0.7}, 2.0),
    "[10]\tvalid_0's binary_logloss: 0.42": Printed({"val_0_binary_logloss": 0.42}),
    "2026-11-26 07:46:08,123 INFO epoch 1 loss 0.4": Printed({"loss": 0.4}, 1.0),
    "Training took 5 minutes": Printed(),
    "Epoch [1/5], Step [100/600], Loss: 0.2131": Printed({"loss": 0.2131}, 1.0, 100.0),
    "Train: loss 0.3 acc 0.9 | Val: loss 0.4 acc 0.8": Printed(
        {"train_loss": 0.3, "train_acc": 0.9, "val_loss": 0.4, "val_acc": 0.8}
    ),
    "Accuracy of the network on the 10000 test images: 54 %": Printed({"test_accuracy": 54.0}),
    "R2 = -0.5, RMSE = 1e-3": Printed({"r2": -0.5, "rmse": 0.001}),
    "\x1b[32mloss: 0.5\x1b[0m": Printed({"loss": 0.5}),
}


@pytest.mark.parametrize("line", LINES)
def test_a_line(line: str) -> None:
    found = read_line(line)
    if found.step is not None and LINES[line].step is None:
        # `Step [100/600]` counts as well.
        found = Printed(found.values, found.epoch)
    expected = LINES[line]
    assert dict(found.values) == dict(expected.values)
    assert found.epoch == expected.epoch


def test_a_number_that_is_not_finite() -> None:
    assert math.isnan(read_line("loss=nan").values["loss"])
    assert read_line("loss: inf").values["loss"] == math.inf


def test_a_metric_that_was_asked_for_needs_no_sign() -> None:
    assert read_line("dprime 1.5").values == {}
    assert read_line("dprime 1.5", ("dprime",)).values == {"dprime": 1.5}


@pytest.mark.parametrize(
    ("metric", "names", "expected"),
    [
        ("accuracy", {"accuracy", "val_acc"}, "accuracy"),
        ("accuracy", {"train_acc", "val_acc", "test_acc"}, "val_acc"),
        ("val_accuracy", {"val_acc"}, "val_acc"),
        ("logloss", {"val_0_logloss"}, "val_0_logloss"),
        ("logloss", {"a_logloss", "b_logloss"}, None),
        ("f1", {"loss"}, None),
        ("Loss/val", {"loss_val"}, "loss_val"),
    ],
)
def test_which_series_a_metric_means(metric: str, names: set[str], expected: str | None) -> None:
    assert series_for(metric, names) == expected


def test_numbers_of_arrays_and_nested_dicts() -> None:
    import numpy as np
    import torch

    given = {
        "a": np.float32(1),
        "b": torch.tensor([2.0]),
        "c": np.ones(3),
        "d": {"e": 3, "f": "x"},
        "g": None,
        "h": True,
    }
    assert dict(flat(given)) == {"a": 1.0, "b": 2.0, "d_e": 3.0}
