"""Callbacks of libraries, with the real library where it is installed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from backtrack.integrations import lightgbm as ours
from backtrack.watch.telling import listening


def test_lightgbm_reports_each_evaluation() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = (x[:, 0] > 0).astype(int)
    told: list[tuple[dict[str, float], float | None]] = []
    train = lightgbm.Dataset(x[:150], y[:150])
    valid = lightgbm.Dataset(x[150:], y[150:], reference=train)
    with listening(lambda values, at: told.append((values, at))):
        lightgbm.train(
            {"objective": "binary", "verbose": -1, "num_threads": 1},
            train,
            num_boost_round=3,
            valid_sets=[valid],
            callbacks=[ours.reporter()],
        )
    assert [at for _, at in told] == [1, 2, 3]
    assert all(0 < values["valid_0_binary_logloss"] < 1 for values, _ in told)


def test_a_callback_outside_of_a_sweep_does_nothing() -> None:
    ours.reporter()(SimpleNamespace(evaluation_result_list=[("valid_0", "auc", 0.5, True)], iteration=0))


def test_lightning_reports_what_it_logs(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning")
    import torch

    from backtrack.integrations.lightning import reporter

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Linear(4, 2)

        def training_step(self, batch, number):
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch, number):
            self.log("val_acc", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    x = torch.randn(64, 4)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long()), 16)
    told: list[tuple[dict[str, float], float | None]] = []
    with listening(lambda values, at: told.append((values, at))):
        lightning.Trainer(
            max_epochs=2,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
            callbacks=[reporter()],
        ).fit(Module(), loader, loader)
    assert {at for _, at in told} == {1, 2}
    assert all(0 <= values["val_acc"] <= 1 for values, _ in told)
    assert any("train_loss" in values for values, _ in told)


def numbers() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


def test_xgboost_reports_each_round() -> None:
    xgboost = pytest.importorskip("xgboost")
    from backtrack.integrations.xgboost import reporter

    x, y = numbers()
    train, valid = xgboost.DMatrix(x[:150], y[:150]), xgboost.DMatrix(x[150:], y[150:])
    told: list[tuple[dict[str, float], float | None]] = []
    with listening(lambda values, at: told.append((values, at))):
        xgboost.train(
            {"objective": "binary:logistic", "eval_metric": "logloss"},
            train,
            3,
            evals=[(train, "train"), (valid, "valid")],
            callbacks=[reporter()],
            verbose_eval=False,
        )
    assert [at for _, at in told] == [1, 2, 3]
    assert all(0 < values["valid_logloss"] < 1 and values["train_logloss"] > 0 for values, _ in told)


def test_keras_reports_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    from backtrack.integrations.keras import reporter

    x, y = numbers()
    model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    told: list[tuple[dict[str, float], float | None]] = []
    with listening(lambda values, at: told.append((values, at))):
        model.fit(x, y, epochs=2, validation_split=0.2, verbose=0, callbacks=[reporter()])
    assert [at for _, at in told] == [1, 2]
    assert all(0 <= values["val_accuracy"] <= 1 for values, _ in told)


def test_transformers_reports_what_its_trainer_logs(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    import torch

    from backtrack.integrations.transformers import reporter

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = torch.nn.Linear(4, 2)

        def forward(self, x=None, labels=None):
            outputs = self.out(x)
            return {"loss": torch.nn.functional.cross_entropy(outputs, labels), "logits": outputs}

    data = [{"x": torch.tensor(row), "labels": int(label)} for row, label in zip(*numbers(), strict=True)]
    options = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=2,
        logging_steps=5,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        remove_unused_columns=False,
    )
    told: list[tuple[dict[str, float], float | None]] = []
    with listening(lambda values, at: told.append((values, at))):
        transformers.Trainer(
            Net(), options, train_dataset=data[:150], eval_dataset=data[150:], callbacks=[reporter()]
        ).train()
    assert any("loss" in values for values, _ in told)
    assert [at for values, at in told if "eval_loss" in values] == [1.0, 2.0]
