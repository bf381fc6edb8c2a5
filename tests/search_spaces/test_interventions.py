"""Each intervention does what it says to a training that knows nothing of it, and is undone at the end."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from backtrack.task.intervention import CONTROL, Anatomy, anatomy_from
from backtrack.trial.intervening import anatomist as intervening
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.second(self.drop(functional.relu(self.first(inputs)))), dim=1)


DATA = torch.randn(40, 6, generator=torch.Generator().manual_seed(1)) * 3 + 5
LABELS = torch.arange(40) % 3


def train(steps: int = 4, clear: bool = True, rate: float = 0.1, **options: float) -> Net:
    """A plain loop; returns the trained net with its last outputs in `net.outputs`."""
    torch.manual_seed(0)
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=rate, **options)  # type: ignore[arg-type]
    for _ in range(steps):
        if clear:
            optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
    net.optimiser = optimiser  # type: ignore[assignment]
    return net


def looked(**options: float) -> Anatomy:
    anatomist = Anatomist(torch)
    train(**options)  # type: ignore[arg-type]
    return anatomy_from(anatomist.conclude()["anatomy"])


@contextmanager
def changed(name: str, level: str, anatomy: Anatomy | None = None) -> Iterator[None]:
    training = apply_levels(torch, {name: level}, (anatomy or looked()).as_json())
    try:
        yield
    finally:
        training.end()


def weights(net: nn.Module) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in net.parameters()])


def test_one_run_tells_what_there_is() -> None:
    anatomy = looked(weight_decay=0.1)
    assert anatomy.modules == {"Net": 1, "Linear": 2, "Dropout": 1}
    assert anatomy.last.startswith("softmax at") and [*anatomy.activations.values()] == ["relu"]
    assert anatomy.optimiser["kind"] == "SGD" and anatomy.optimiser["weight_decay"] == 0.1
    assert anatomy.optimiser["place"].partition(":")[0] == __file__
    assert anatomy.loss["name"] == "cross_entropy" and anatomy.loss["classes"] == 3
    assert anatomy.inputs["rms"] == pytest.approx(float(DATA.square().mean().sqrt()), rel=1e-5)
    assert "gradients kept" not in anatomy.calls


def test_gradients_that_stay_are_seen() -> None:
    assert looked(clear=False).calls["gradients kept"] == 3


@pytest.mark.parametrize("name", all_interventions())
def test_everything_is_undone(name: str) -> None:
    before = weights(train())
    owners = (torch, functional, torch.Tensor, torch.autograd, torch.optim.Optimizer, torch.utils.data.DataLoader)
    places = [{key: id(value) for key, value in vars(owner).items()} for owner in owners]
    anatomy = looked()
    for level in all_interventions()[name].levels(anatomy):
        with changed(name, level, anatomy):
            train()
    assert [{key: id(value) for key, value in vars(owner).items()} for owner in owners] == places
    assert torch.equal(weights(train()), before)


@pytest.mark.parametrize("name", all_interventions())
def test_every_level_says_what_a_person_would_write(name: str) -> None:
    intervention = all_interventions()[name]
    assert intervention.what and intervention.source
    for level, text in intervention.levels(looked(weight_decay=0.1)).items():
        assert text and level != "as_written"


def test_the_rate_is_scaled_at_the_step_alone() -> None:
    with changed("learning_rate", "x10"):
        net = train(rate=0.01)
    assert net.optimiser.param_groups[0]["lr"] == pytest.approx(0.01)  # type: ignore[union-attr]
    assert torch.allclose(weights(net), weights(train(rate=0.1)))


def test_a_schedule_is_left_out() -> None:
    def scheduled() -> Net:
        torch.manual_seed(0)
        net = Net()
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, 1, gamma=0.1)
        for _ in range(4):
            optimiser.zero_grad()
            functional.cross_entropy(net(DATA), LABELS).backward()
            optimiser.step()
            schedule.step()
        return net

    anatomist = Anatomist(torch)
    scheduled()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("schedule", "none", anatomy):
        free = scheduled()
    assert torch.allclose(weights(free), weights(train(rate=0.1)))


def test_another_rule_makes_the_steps() -> None:
    torch.manual_seed(0)
    net = Net()
    adam = torch.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(4):
        adam.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        adam.step()
    with changed("optimiser", "adam"):
        assert torch.allclose(weights(train()), weights(net))


def test_gradients_are_cleared() -> None:
    anatomy = looked(clear=False)
    with changed("clear_gradients", "each_step", anatomy):
        assert torch.allclose(weights(train(clear=False)), weights(train()))


def test_the_last_activation_is_left_out_and_no_other() -> None:
    with changed("last_activation", "none"):
        outputs = train(steps=1).eval()(DATA)
    net = train(steps=0)
    net.forward = lambda inputs: net.second(net.drop(functional.relu(net.first(inputs))))  # type: ignore[method-assign]
    assert outputs.sum(1).sub(1).abs().max() > 1e-3
    with changed("last_activation", "none"):
        assert torch.allclose(train(steps=0).eval()(DATA), net.eval()(DATA))


def test_the_loss_gets_what_it_takes() -> None:
    given = torch.softmax(torch.randn(8, 3), 1).requires_grad_()
    wanted = functional.nll_loss(given.log(), LABELS[:8])
    with changed("loss_form", "as_outputs_are"):
        assert torch.allclose(functional.cross_entropy(given, LABELS[:8]), wanted)
    assert not torch.allclose(functional.cross_entropy(given, LABELS[:8]), wanted)


@pytest.mark.parametrize("last", ["softmax at Net.1#0", ""])
def test_a_divergence_gets_the_logarithms_of_probabilities(last: str) -> None:
    raw, told = torch.randn(8, 3, requires_grad=True), torch.softmax(torch.randn(8, 3), 1)
    given = raw.softmax(1) if last else raw
    wanted = functional.kl_div(raw.log_softmax(1), told, reduction="batchmean")
    with changed("loss_form", "as_outputs_are", Anatomy(last=last, losses=[{"name": "kl_div"}])):
        assert torch.allclose(functional.kl_div(given, told, reduction="batchmean"), wanted)
        # Logarithms of probabilities stay what they are.
        assert last or torch.allclose(functional.kl_div(raw.log_softmax(1), told, reduction="batchmean"), wanted)
        # A teacher's loss of raw outputs has an end of its own.
        teachers = functional.cross_entropy(raw, LABELS[:8])
    assert torch.equal(teachers, functional.cross_entropy(raw, LABELS[:8]))
    assert not torch.allclose(functional.kl_div(given, told, reduction="batchmean"), wanted)


@pytest.mark.parametrize("log_input", [True, False])
def test_a_loss_of_counts_takes_the_other_form(log_input: bool) -> None:
    given, counts = torch.rand(8, requires_grad=True), torch.ones(8)
    wanted = functional.poisson_nll_loss(given, counts, log_input=not log_input)
    anatomy = Anatomy(losses=[{"name": "poisson_nll_loss", "log_input": log_input}])
    with changed("loss_form", "as_outputs_are", anatomy):
        assert torch.equal(functional.poisson_nll_loss(given, counts, log_input=log_input), wanted)


def test_inputs_are_standardised_by_training_batches() -> None:
    seen: list[torch.Tensor] = []
    with changed("inputs", "standardised"):
        net = train(steps=1)
        net.first.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        net(DATA)
    assert torch.allclose(seen[0].mean(0), torch.zeros(6), atol=1e-5)
    assert torch.allclose(seen[0].std(0, correction=0), torch.ones(6), atol=1e-3)


def test_an_agent_acts_and_is_aimed_at_on_the_scale_that_it_trains_on() -> None:
    given: list[torch.Tensor] = []
    with changed("inputs", "standardised"):
        net, target = (nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)) for _ in range(2))
        for one in (net, target):
            one[0].register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            with torch.no_grad():
                net(DATA[3])
                target(DATA + 2)
            functional.cross_entropy(net(DATA), LABELS).backward()
            optimiser.step()
    scaled = (DATA - DATA.mean(0)) / DATA.std(0, correction=0)
    # (Its first action and aim come before anything is learnt.)
    action, aim, batch = given[3:]
    assert torch.allclose(action, scaled[3], atol=1e-4)
    assert torch.allclose(aim, scaled + 2 / DATA.std(0, correction=0), atol=1e-4)
    assert torch.allclose(batch, scaled, atol=1e-4)


def test_a_mark_for_what_is_missing_is_filled_before_inputs_are_standardised() -> None:
    missing = torch.rand(DATA.shape, generator=torch.Generator().manual_seed(4)) < 0.1
    data = DATA.masked_fill(missing, -999.0)
    anatomist = Anatomist(torch)
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    functional.cross_entropy(net(data), LABELS).backward()
    optimiser.step()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    levels = all_interventions()["inputs"].levels(anatomy)
    assert levels.keys() == {"filled"} and "where x == -999" in levels["filled"]
    seen: list[torch.Tensor] = []
    with changed("inputs", "filled", anatomy):
        net = Net()
        net.first.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        net(data)
    assert seen[0][missing].abs().max() < 1e-5
    assert torch.allclose(seen[0].std(0, correction=0), torch.ones(6), atol=1e-3)


def test_standardised_targets_are_scaled_back() -> None:
    targets = 1000 * torch.randn(40, 1, generator=torch.Generator().manual_seed(2)) + 5000

    def regress(wanted: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        net = nn.Linear(6, 1)
        optimiser = torch.optim.SGD(net.parameters(), lr=1e-3)
        for _ in range(5):
            optimiser.zero_grad()
            functional.mse_loss(net(DATA), wanted).backward()
            optimiser.step()
        return net(DATA).detach()

    anatomist = Anatomist(torch)
    regress(targets)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    mean, deviation = anatomy.loss["mean"], anatomy.loss["std"]
    with changed("targets", "standardised", anatomy):
        scaled = regress(targets)
    assert torch.allclose(scaled, regress((targets - mean) / deviation) * deviation + mean, rtol=1e-4)


@pytest.mark.parametrize(("mean", "written"), [(250.0, "(y - 250) / 2"), (-0.5, "(y + 0.5) / 2")])
def test_standardised_targets_are_told_as_a_person_would_write_them(mean: float, written: str) -> None:
    anatomy = Anatomy(losses=[{"name": "mse_loss", "floats": True, "mean": mean, "std": 2.0}])
    (text,) = all_interventions()["targets"].levels(anatomy).values()
    assert text.startswith(f"{written}, and back")


def test_shapes_are_brought_together() -> None:
    column, vector = torch.randn(8, 1, requires_grad=True), torch.randn(8)
    anatomy = looked()
    with changed("loss_shapes", "alike", anatomy):
        assert torch.allclose(functional.mse_loss(column, vector), ((column.squeeze(1) - vector) ** 2).mean())
        assert (column - vector).shape == (8, 1)
    assert (column - vector).shape == (8, 8)


def test_what_is_judged_is_brought_to_one_shape() -> None:
    said, known = torch.randn(8, 1), torch.randn(8)
    anatomist = Anatomist(torch)
    with torch.no_grad():
        assert (said == known).shape == (8, 8)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("compared_shapes", "alike", anatomy):
        with torch.no_grad():
            assert torch.equal(said - known, said - known[:, None]) and torch.eq(known, said).shape == (8,)
            assert (known[:, None] == known).shape == (8, 8)
        assert (said - known).shape == (8, 8)
    with torch.no_grad():
        assert (said - known).shape == (8, 8)
    assert not all_interventions()["compared_shapes"].levels(looked())


def test_what_the_net_computes_comes_first() -> None:
    known = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    logits = torch.randn(2, 2, requires_grad=True)
    with changed("loss_order", "outputs_first", looked()):
        exchanged = functional.kl_div(known, logits.log_softmax(1), reduction="batchmean")
        assert torch.equal(exchanged, functional.kl_div(logits.log_softmax(1), known, reduction="batchmean"))
        backwards = functional.kl_div(known.log(), logits.softmax(1), reduction="batchmean")
    assert torch.equal(backwards, functional.kl_div(known.log(), logits.softmax(1), reduction="batchmean"))


def test_losses_that_are_the_same_both_ways_are_read_as_outputs_and_targets() -> None:
    anatomist = Anatomist(torch)
    net, known = nn.Linear(6, 1), 7 + torch.randn(32, 1)
    functional.l1_loss(known, net(DATA[:32])).backward()
    loss = anatomy_from(anatomist.conclude()["anatomy"]).loss
    assert loss["mean"] == pytest.approx(float(known.mean()), rel=1e-4)
    anatomist = Anatomist(torch)
    functional.cross_entropy(torch.ones(32, 2) / 2, nn.Linear(6, 2)(DATA[:32])).backward()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert all_interventions()["loss_order"].levels(anatomy)


def test_what_lies_near_and_what_lies_far_change_places(tmp_path: Path) -> None:
    anchor, near, far = (torch.randn(4, 3, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    anchor.requires_grad_()
    sign = torch.tensor([1.0, -1.0, 1.0, -1.0])

    def losses(exchanged: bool) -> list[torch.Tensor]:
        positive, negative, signed = (far, near, -sign) if exchanged else (near, far, sign)
        return [
            nn.TripletMarginLoss(margin=0.3)(anchor, positive, negative),
            functional.triplet_margin_with_distance_loss(anchor, positive=positive, negative=negative),
            functional.margin_ranking_loss(anchor[:, 0], near[:, 0], signed, margin=0.1),
            functional.cosine_embedding_loss(anchor, near, target=signed),
            nn.HingeEmbeddingLoss()(anchor[:, 0], signed),
        ]

    program = tmp_path / "near.py"
    program.write_text("loss_of(net(data[0]), net(data[2]), net(data[1]), margin=0.5).backward()\n")
    anatomist, net = Anatomist(torch), nn.Linear(6, 2)
    exec(
        compile(program.read_text(), str(program), "exec"),
        {"loss_of": functional.triplet_margin_loss, "net": net, "data": DATA},
    )
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert anatomy.sides == {"name": "triplet_margin_loss", "place": f"{program}:1"}
    given = all_interventions()["compared_sides"].described(anatomy)
    assert "+loss_of(net(data[0]), net(data[1]), net(data[2]), margin=0.5).backward()" in given["patches"]["exchanged"]
    meant = losses(exchanged=True)
    with changed("compared_sides", "exchanged", anatomy):
        assert all(map(torch.equal, losses(exchanged=False), meant))
        with torch.no_grad():
            # A validation loss stays what it is.
            judged = nn.TripletMarginLoss(margin=0.3)(anchor, near, far)
    assert torch.equal(judged, losses(exchanged=False)[0]) and not torch.equal(judged, meant[0])


def test_a_rate_that_a_schedule_sets_is_told_as_that() -> None:
    def stepped(schedule: Callable[[torch.optim.Optimizer], object]) -> dict[str, object]:
        anatomist = Anatomist(torch)
        net = nn.Linear(6, 1)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        scheduler = schedule(optimiser)
        for _ in range(3):
            net(DATA).mean().backward()
            optimiser.step()
            scheduler.step()  # type: ignore[attr-defined]
        anatomy = anatomy_from(anatomist.conclude()["anatomy"])
        return {**all_interventions()["learning_rate"].levels(anatomy), **anatomy.optimiser}

    rates = torch.optim.lr_scheduler
    own = stepped(lambda optimiser: rates.OneCycleLR(optimiser, max_lr=0.01, total_steps=10))
    assert own["highest"] == pytest.approx(0.01) and "in what sets them" in str(own["x10"])
    scaled = stepped(lambda optimiser: rates.LambdaLR(optimiser, lambda step: 0.1 * (step + 1)))
    assert scaled["x10"] == "lr=1 instead of 0.1" and "highest" not in scaled


def test_weights_are_loaded_by_the_ends_of_their_names() -> None:
    file = {f"module.{name}": torch.full_like(one, 0.3) for name, one in nn.Linear(6, 2).state_dict().items()}
    anatomist = Anatomist(torch)
    net = nn.Linear(6, 2)
    net.load_state_dict(state_dict=file, strict=False)
    net(DATA).mean().backward()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("loaded_names", "by_their_ends", anatomy):
        net.load_state_dict(state_dict=file, strict=False)
        assert bool((net.weight == 0.3).all()) and bool((net.bias == 0.3).all())
        net.load_state_dict({"bias": torch.ones(2)}, strict=False)
        assert bool((net.weight == 0.3).all()) and bool((net.bias == 1).all())
        with pytest.raises(RuntimeError, match="other"):
            net.load_state_dict({"other": torch.ones(2)})
        with pytest.raises(TypeError, match="dict-like"):
            net.load_state_dict("weights.pt")  # type: ignore[arg-type]


def one_number(loss: Callable[[torch.Tensor], torch.Tensor]) -> Anatomy:
    """Of a training whose loss gets a single number, of one example."""
    anatomist = Anatomist(torch)
    net = nn.Linear(6, 1)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for row in DATA[:20]:
        optimiser.zero_grad()
        loss(torch.softmax(net(row), 0)[0]).backward()
        optimiser.step()
    found = anatomist.conclude()
    assert found["interventions"]
    return anatomy_from(found["anatomy"])


@pytest.mark.parametrize("name", ["mse_loss", "binary_cross_entropy", "l1_loss"])
def test_a_loss_of_a_single_number_is_looked_at(name: str) -> None:
    assert not one_number(lambda said: getattr(functional, name)(said, torch.tensor(0.5))).failed


def test_an_intervention_that_cannot_say_what_it_changes_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(all_interventions()["inputs"], name="mine", levels=lambda anatomy: {"a": anatomy.loss["width"]})
    known = all_interventions()
    monkeypatch.setattr(intervening, "all_interventions", lambda files=(): {**known, "mine": broken})
    anatomy = one_number(lambda said: functional.mse_loss(said, torch.tensor(0.5)))
    said = "Intervention mine failed on what this training is made of (KeyError('width')), and is left out"
    assert anatomy.limits[-1] == f"{said}; please report it"


def test_embeddings_begin_small() -> None:
    class Factors(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.users, self.items = nn.Embedding(20, 8), nn.Embedding(20, 8)

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return (self.users(rows) * self.items(rows)).sum(1)

    rows = torch.arange(20)
    anatomist = Anatomist(torch)
    Factors()(rows).mean().backward()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    # Schemes that leave embeddings as torch makes them would be one training under several names.
    assert list(all_interventions()["initialisation"].levels(anatomy)) == ["default", "small_embedding"]
    with changed("initialisation", "small_embedding", anatomy):
        assert Factors()(rows).abs().max() < 8 * 0.1**2


def test_dropout_and_decay_are_off() -> None:
    with changed("dropout", "off"):
        net = train(steps=0)
        assert torch.equal(net(DATA), net.eval()(DATA))
    with changed("weight_decay", "none", looked(weight_decay=0.5)):
        assert torch.allclose(weights(train(weight_decay=0.5)), weights(train()))
    with changed("weight_decay", "matrices", looked(weight_decay=0.5)):
        groups = train(weight_decay=0.5).optimiser.param_groups  # type: ignore[union-attr]
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.5, 2), (0.0, 2)]


def test_labels_in_random_order_are_a_control() -> None:
    assert all_interventions()["labels"].kind == CONTROL
    with changed("labels", "shuffled"):
        assert not torch.equal(weights(train()), weights(train(steps=0)))
        other = weights(train())
    assert not torch.allclose(other, weights(train()))


def test_labels_of_small_batches_change_places_with_earlier_ones() -> None:
    """Within a batch of two, half of the labels would stay where they were: a net learns from these."""
    given = [torch.tensor(label) for label in (0, 1) * 100]
    outputs = torch.randn(200, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    for size in (1, 2):
        kept = 0
        with changed("labels", "shuffled", looked()):
            for start in range(0, 200, size):
                labels = torch.stack(given[start : start + size])
                loss = functional.cross_entropy(outputs[start : start + size], labels)
                loss.backward()
                likely = -functional.log_softmax(outputs[start : start + size], 1).gather(1, labels[:, None]).mean()
                kept += bool(torch.isclose(loss, likely))
        assert kept * size < 140, f"{kept} of {200 // size} batches of {size} kept their labels"


def test_the_same_rule_is_offered_where_its_options_are_unusual() -> None:
    def made(**options: Any) -> Anatomy:
        anatomist = Anatomist(torch)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, **options)
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
        return anatomy_from(anatomist.conclude()["anatomy"])

    levels = all_interventions()["optimiser"].levels
    assert "adam" in levels(made(eps=10.0))
    assert "adam" in levels(made(betas=(0.9, 0.1)))
    assert "adam" not in levels(made())
    assert "rmsprop" in levels(made()) and "rmsprop_usual" not in levels(made()), "its usual rate is this one"


@pytest.mark.parametrize("cleared_late", [False, True], ids=["cleared first", "cleared after the forward pass"])
def test_gradients_are_used_before_they_are_cleared(cleared_late: bool) -> None:
    def trained(step_each: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            for rows in torch.arange(40).split(10):
                if not cleared_late:
                    optimiser.zero_grad()
                loss = functional.cross_entropy(net(DATA[rows]), LABELS[rows])
                if cleared_late:
                    optimiser.zero_grad()
                loss.backward()
                if step_each:
                    optimiser.step()
            if not step_each:
                optimiser.step()
        return [parameter.detach() for parameter in net.parameters()]

    each_batch = trained(step_each=True)
    assert not torch.allclose(trained(step_each=False)[0], each_batch[0])
    with changed("used_gradients", "each_batch"):
        once_an_epoch = trained(step_each=False)
    assert all(torch.allclose(one, other) for one, other in zip(once_an_epoch, each_batch, strict=True))


def test_a_step_that_computes_its_own_gradients_is_no_waiting_one() -> None:
    def trained() -> torch.Tensor:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=4)

        def closure() -> torch.Tensor:
            optimiser.zero_grad()
            loss = functional.cross_entropy(net(DATA), LABELS)
            loss.backward()
            return loss

        for _ in range(3):
            optimiser.step(closure)
        return net.weight.detach()

    as_written = trained()
    with changed("used_gradients", "each_batch"):
        assert torch.equal(trained(), as_written)


def test_a_hidden_layer_learns_beside_the_net() -> None:
    net = train(steps=0)
    with torch.no_grad():
        net.second.weight.zero_()
    alone = net.eval()(DATA)
    with changed("capacity", "beside"):
        optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
        own = [parameter.clone() for parameter in net.parameters()]
        torch.manual_seed(5)
        first = functional.cross_entropy(net(DATA), LABELS)
        after = torch.rand(1)
        for _ in range(60):
            optimiser.zero_grad()
            loss = functional.cross_entropy(net(DATA), LABELS)
            loss.backward()
            optimiser.step()
        assert len(optimiser.param_groups) == 2
        assert sum(weight.numel() for weight in optimiser.param_groups[1]["params"]) == 6 * 256 + 256 + 256 * 3 + 3
        assert loss < 0.5 * first
        assert not torch.allclose(net(DATA), alone)
        assert [name for name, _ in net.named_parameters()] == [name for name, _ in Net().named_parameters()]
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1)), "its weights are made without the program's random numbers"
    assert any(not torch.equal(now, before) for now, before in zip(net.parameters(), own, strict=True))


def test_a_layer_beside_is_offered_where_a_net_answers_once_an_example() -> None:
    levels = all_interventions()["capacity"].levels
    loss = {"varies": True, "output": [8, 3], "target": [8], "floats": False}
    assert levels(Anatomy(losses=[loss], maps={"given": [8, 6], "result": [8, 3]}))
    assert not levels(Anatomy(losses=[loss], maps={"given": [8, 6], "result": [8, 6, 3]})), "at each step of a sequence"
    narrow = {"varies": True, "output": [8, 6], "target": [8, 6], "floats": True}
    assert not levels(Anatomy(losses=[narrow], maps={"given": [8, 6], "result": [8, 6]})), "an autoencoder"


def test_a_quarter_of_the_examples_is_never_trained_on_and_its_loss_is_told() -> None:
    """A table that learns each example by heart: its loss falls on what it trains on, and not on what is held back."""
    table = nn.Embedding(40, 3)
    with torch.no_grad():
        table.weight.zero_()
    net = nn.Sequential(table)
    optimiser = torch.optim.SGD(net.parameters(), lr=20.0)
    told = []
    with changed("held_back", "quarter"):
        for _ in range(30):
            for batch in torch.randperm(40).split(20):
                optimiser.zero_grad()
                loss = functional.cross_entropy(net(batch), LABELS[batch])
                loss.backward()
                optimiser.step()
                told.append(float(loss.detach()))
    still = (table.weight == 0).all(1)
    assert 3 <= int(still.sum()) <= 20, "these were never trained on"
    assert max(told) - min(told) < 1e-3, "and theirs is the loss that is told"
    assert functional.cross_entropy(table.weight[~still], LABELS[~still]) < 0.1


def test_the_hidden_activation_is_another_and_the_last_stays() -> None:
    net = train(steps=0).eval()
    with changed("activation", "tanh"):
        outputs = net(DATA)
    assert torch.allclose(outputs, torch.softmax(net.second(torch.tanh(net.first(DATA))), 1))


class Softmaxes(nn.Module):
    """One that a layer reads, and one that weighs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second, self.keys = nn.Linear(6, 6), nn.Linear(6, 3), nn.Linear(6, 3)
        self.soft, self.weigh = nn.Softmax(dim=1), nn.Softmax(dim=1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.second(self.soft(self.first(inputs))) * self.weigh(self.keys(inputs))


def test_a_softmax_that_a_layer_reads_is_a_hidden_activation() -> None:
    anatomist, net = Anatomist(torch), Softmaxes()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert anatomy.activations == {"softmax at Softmaxes.soft#0": "softmax"}
    net = Softmaxes()
    with changed("activation", "tanh", anatomy):
        outputs = net(DATA)
    assert torch.allclose(outputs, net.second(torch.tanh(net.first(DATA))) * net.keys(DATA).softmax(1))


def test_initial_weights_are_made_anew() -> None:
    with changed("initialisation", "orthogonal"):
        net = train(steps=0)
        net(DATA)
    assert torch.allclose(net.first.weight @ net.first.weight.T, torch.eye(6), atol=1e-5)
    assert torch.equal(net.first.bias, torch.zeros(6))


def test_a_sequence_is_read_from_its_end() -> None:
    lines = torch.randn(4, 7, 6)

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.GRU(6, 5, batch_first=True)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.cell(inputs)[0][:, -1]

    net = Reader()
    with changed("reading_order", "reverse", Anatomy(modules={"GRU": 1})):
        read = net(lines)
        del net.cell.forward
    assert torch.allclose(read, net(lines.flip(1)))


@pytest.mark.parametrize("both", [False, True])
def test_the_last_state_is_read(both: bool) -> None:
    lines, cell = torch.randn(7, 4, 6), nn.GRU(6, 5, bidirectional=both)
    net = nn.Sequential(cell)
    _, state = cell(lines)
    with changed("steps_read", "last", Anatomy(modules={"GRU": 1})):
        states, own = net(lines)
        del cell.forward
    assert torch.equal(own, state) and states.shape == (7, 4, 10 if both else 5)
    assert torch.allclose(states[0], state.transpose(0, 1).flatten(1)) and torch.equal(states[0], states[5])
    assert not torch.allclose(net(lines)[0][0], states[0])


@pytest.mark.parametrize("first", [False, True])
def test_lines_end_before_their_padding(first: bool) -> None:
    lengths, cell = [2, 7, 4, 5], nn.LSTM(6, 5, batch_first=first)
    lines = torch.randn(4, 7, 6) * (torch.arange(7) < torch.tensor(lengths)[:, None])[..., None]
    net = nn.Sequential(cell)
    with changed("padding", "packed", Anatomy(modules={"LSTM": 1})):
        states, (state, memory) = net(lines if first else lines.transpose(0, 1))
        del cell.forward
    states = states if first else states.transpose(0, 1)
    for number, length in enumerate(lengths):
        line = lines[number, :length][None] if first else lines[number, :length][:, None]
        alone, (last, kept) = cell(line)
        assert torch.allclose(states[number, :length], alone.flatten(0, 1), atol=1e-6)
        assert torch.allclose(states[number, -1], last[0, 0], atol=1e-6)
        assert torch.allclose(state[0, number], last[0, 0], atol=1e-6)
        assert torch.allclose(memory[0, number], kept[0, 0], atol=1e-6)


def test_embeddings_stay_inside_a_ball_and_nothing_decays() -> None:
    net = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(8, 2))
    net[0].weight.data.mul_(10)
    with changed("embedding_norm", "ball", Anatomy(modules={"Embedding": 1})):
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=0.5)
        functional.cross_entropy(net(torch.arange(8).view(4, 2)), LABELS[:4] % 2).backward()
        optimiser.step()
    assert net[0].weight.norm(dim=1).max() <= 1 + 1e-6
    assert optimiser.param_groups[0]["weight_decay"] == 0.5


def test_embeddings_are_bound_no_more() -> None:
    def looking_up() -> nn.Embedding:
        torch.manual_seed(0)
        net = nn.Embedding(9, 4, max_norm=1e-3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        net(torch.arange(9)).sum().backward()
        optimiser.step()
        return net

    anatomist = Anatomist(torch)
    looking_up()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert not all_interventions()["embedding_bound"].levels(looked())
    with changed("embedding_bound", "free", anatomy):
        net = looking_up()
        assert net(torch.arange(9)).norm(dim=1).min() > 0.1
    assert looking_up()(torch.arange(9)).norm(dim=1).max() < 2e-3


def test_classes_are_learnt_by_cross_entropy() -> None:
    given, classes = torch.softmax(torch.randn(6, 3), 1), LABELS[:6]
    anatomy = Anatomy(last="softmax at Net.1#0", losses=[{"name": "mse_loss", "one_hot": True, "binary": True}])
    with changed("loss_function", "cross_entropy", anatomy):
        changed_loss = functional.mse_loss(given, torch.eye(3)[classes])
    assert torch.allclose(changed_loss, functional.nll_loss(given.log(), classes))
    anatomy = Anatomy(losses=[{"name": "mse_loss", "one_hot": False, "binary": True}])
    raw, wanted = torch.randn(6), (LABELS[:6] > 0).float()
    with changed("loss_function", "cross_entropy", anatomy):
        changed_loss = functional.mse_loss(raw, wanted)
    assert torch.allclose(changed_loss, functional.binary_cross_entropy_with_logits(raw, wanted))


def test_classes_of_which_several_hold_are_learnt_one_by_one() -> None:
    wanted = torch.tensor([[1.0, 1, 0], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
    anatomist, net = Anatomist(torch), nn.Linear(6, 3)
    functional.cross_entropy(net(DATA[:4]), wanted).backward()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert anatomy.loss["multi_hot"] and not anatomy.loss["one_hot"]
    assert list(all_interventions()["loss_function"].levels(anatomy)) == ["one_by_one"]
    with changed("loss_function", "one_by_one", anatomy):
        changed_loss = functional.cross_entropy(net(DATA[:4]), wanted)
        other = functional.cross_entropy(net(DATA[:4]), LABELS[:4])
    assert torch.allclose(changed_loss, functional.binary_cross_entropy_with_logits(net(DATA[:4]), wanted))
    # Numbers of classes stay as they are.
    assert torch.allclose(other, functional.cross_entropy(net(DATA[:4]), LABELS[:4]))


class Bits(nn.Module):
    """Reads its line by a cell, step by step; with `carry` as it should."""

    def __init__(self, kind: Any, carry: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.carry = kind(1, 4), carry

    def forward(self, line: torch.Tensor) -> torch.Tensor:
        state: Any = None
        for step in range(line.shape[1]):
            given, before = line[:, step : step + 1], state if self.carry else None
            whole = isinstance(self.cell, nn.GRU)
            state = self.cell(given[..., None], before)[1] if whole else self.cell(given, before)
        last: torch.Tensor = (state[0] if isinstance(state, tuple) else state).reshape(len(line), 4)
        return last


def batch_first_gru(inputs: int, units: int) -> nn.GRU:
    return nn.GRU(inputs, units, batch_first=True)


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, batch_first_gru])
def test_a_cells_state_is_carried_within_a_line(kind: Any) -> None:
    anatomy = Anatomy(modules={"RNNCell": 1})
    assert all_interventions()["state_carried"].levels(anatomy)
    lost = Bits(kind, carry=False)(DATA)
    with changed("state_carried", "kept", anatomy):
        net, wanted = Bits(kind, carry=False), Bits(kind, carry=True)
        # The second pass begins anew.
        outputs = [net(DATA[:7]), net(DATA), wanted(DATA)]
    assert torch.equal(outputs[1], outputs[2]) and not torch.equal(outputs[1], lost)
    assert torch.equal(Bits(kind, carry=False)(DATA), lost)


def test_the_loss_of_the_last_part_of_a_training_comes_first() -> None:
    def anatomy_of(second: bool) -> Anatomy:
        anatomist, teacher, student = Anatomist(torch), nn.Linear(6, 3), nn.Linear(6, 3)
        optimisers = [torch.optim.Adam(teacher.parameters()), torch.optim.SGD(student.parameters(), lr=0.1)]
        for _ in range(14):
            functional.cross_entropy(teacher(DATA), LABELS).backward()
            optimisers[0].step()
            # What is only looked at begins no part, though nobody told torch that it needs no gradient.
            functional.mse_loss(teacher(DATA), torch.eye(3)[LABELS])
        for _ in range(4 if second else 0):
            soft = torch.softmax(teacher(DATA).detach(), 1)
            (functional.kl_div(torch.softmax(student(DATA), 1), soft) * 2).backward()
            optimisers[1].step()
        return anatomy_from(anatomist.conclude()["anatomy"])

    whole, first = anatomy_of(second=True), anatomy_of(second=False)
    assert (whole.loss["name"], whole.optimiser["kind"], whole.last.partition(" ")[0]) == ("kl_div", "SGD", "softmax")
    assert (first.loss["name"], first.optimiser["kind"], first.last) == ("cross_entropy", "Adam", "")


def test_a_program_that_scores_what_it_draws_is_an_agent() -> None:
    def anatomy_of(train: Callable[[nn.Linear, torch.optim.Optimizer], None]) -> Anatomy:
        anatomist, net = Anatomist(torch), nn.Linear(6, 3)
        train(net, torch.optim.SGD(net.parameters(), lr=0.1))
        return anatomy_from(anatomist.conclude()["anatomy"])

    def agent(net: nn.Linear, optimiser: torch.optim.Optimizer) -> None:
        for _ in range(4):
            policy = torch.distributions.Categorical(logits=net(DATA))
            drawn = policy.sample()
            (policy.log_prob(drawn) * DATA[:, 0]).mean().backward()
            optimiser.step()

    def density(net: nn.Linear, optimiser: torch.optim.Optimizer) -> None:
        for _ in range(4):
            said = torch.distributions.Normal(net(DATA), 1.0)
            said.sample()
            (-said.log_prob(DATA[:, :3])).mean().backward()
            optimiser.step()

    def alone(net: nn.Linear, optimiser: torch.optim.Optimizer) -> None:
        for row in DATA[:9]:
            net(row).sum().backward()
            optimiser.step()

    assert [anatomy_of(one).acts for one in (agent, density, alone)] == [True, False, True]


@pytest.mark.parametrize(
    ("optimisers", "said"), [(1, "optimizer.step() after"), (2, "step() of each of the 2 optimisers")]
)
def test_which_optimisers_have_to_step_is_said(optimisers: int, said: str) -> None:
    anatomy = Anatomy(optimisers=[{"kind": "SGD", "lr": 0.1}] * optimisers)
    assert all_interventions()["used_gradients"].levels(anatomy)["each_batch"].startswith(said)


@pytest.mark.parametrize(("unheld", "said"), [(2, "give all parameters to the optimiser, and leave"), (0, "leave")])
def test_what_is_unfrozen_is_given_to_the_optimiser_as_well(unheld: int, said: str) -> None:
    anatomy = Anatomy(optimisers=[{"kind": "SGD", "lr": 0.1}], frozen=2, unheld=unheld)
    assert all_interventions()["trained_parameters"].levels(anatomy)["unfrozen"].startswith(said)


def test_one_hot_targets_are_seen() -> None:
    anatomist = Anatomist(torch)
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    functional.mse_loss(net(DATA), torch.eye(3)[LABELS]).backward()
    optimiser.step()
    loss = anatomist.conclude()["anatomy"]["losses"][0]
    assert loss["one_hot"] and loss["binary"] and loss["varies"]


def test_weights_of_low_precision_are_trained_in_full() -> None:
    def low() -> nn.Module:
        torch.manual_seed(0)
        net = nn.Linear(6, 3).to(torch.bfloat16)
        optimiser = torch.optim.SGD(net.parameters(), lr=1e-4)
        for _ in range(3):
            optimiser.zero_grad()
            functional.cross_entropy(net(DATA.to(torch.bfloat16)).float(), LABELS).backward()
            optimiser.step()
        return net

    anatomist = Anatomist(torch)
    before = weights(low())
    found = anatomist.conclude()
    assert found["anatomy"]["dtype"] == "bfloat16"
    assert "precision" in {one["name"] for one in found["interventions"]}
    with changed("precision", "float32", anatomy_from(found["anatomy"])):
        after = weights(low())
    assert after.dtype == torch.float32 and before.dtype == torch.bfloat16
    # Steps that bfloat16 rounds away.
    assert not torch.equal(after.to(torch.bfloat16).float(), after)


def test_everything_is_computed_in_double_precision() -> None:
    with changed("double_precision", "float64"):
        net = train()
    assert weights(net).dtype == torch.float64
    assert torch.allclose(weights(net).float(), weights(train()), atol=1e-5)


def test_a_model_computes_on_another_device_and_its_outputs_come_back() -> None:
    seen = []

    class Elsewhere(Net):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            seen.append(inputs.device.type)
            return super().forward(inputs)

    # The device without numbers stands in for a GPU: shapes and places are all that can be seen here.
    with changed("device", "meta", Anatomy(devices=["cpu", "meta"])):
        net = Elsewhere()
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
            # What comes back to the CPU would be the outputs.
            net(DATA)
    assert seen == ["meta"] and next(net.parameters()).device.type == "meta"
    assert all_interventions()["device"].levels(Anatomy(devices=["cpu"])) == {}
    assert [*all_interventions()["device"].levels(Anatomy(devices=["cpu", "cuda"]))] == ["cuda"]


def test_algorithms_are_deterministic_until_the_end() -> None:
    with changed("deterministic", "on"):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_four_batches_make_one_step() -> None:
    def stepped(*batches: torch.Tensor) -> nn.Module:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for batch in batches:
            optimiser.zero_grad()
            net.zero_grad()
            net(batch).square().mean().backward()
            optimiser.step()
        return net

    with changed("accumulation", "x4"):
        four = stepped(*DATA.split(10))
    assert torch.allclose(weights(four), weights(stepped(DATA)), atol=1e-6)


def test_one_batch_is_seen_again_and_again() -> None:
    seen = []

    class Watched(Net):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            seen.append(inputs.detach().clone())
            return super().forward(inputs)

    with changed("one_batch", "first"):
        net = Watched()
        for part in DATA.split(10):
            functional.cross_entropy(net(part), LABELS[:10]).backward()
        with torch.no_grad():
            net(DATA[30:])
    assert all(torch.equal(one, DATA[:10]) for one in seen[:4])
    assert torch.equal(seen[4], DATA[30:])


def test_a_step_goes_up_the_gradient() -> None:
    def negative() -> Net:
        torch.manual_seed(0)
        net = Net()
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(4):
            optimiser.zero_grad()
            (-functional.cross_entropy(net(DATA), LABELS)).backward()
            optimiser.step()
        return net

    with changed("loss_sign", "negated"):
        net = negative()
    assert torch.allclose(weights(net), weights(train()))


def two_that_step(signs: tuple[float, float] = (1, 1)) -> list[torch.Tensor]:
    """A net that learns and one that judges it, each with an optimiser, and losses with these signs."""
    torch.manual_seed(0)
    nets = [nn.Linear(6, 3), nn.Linear(6, 3)]
    optimisers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in nets]
    for _ in range(3):
        # The second one steps first.
        for number in (1, 0):
            optimisers[number].zero_grad()
            (signs[number] * functional.cross_entropy(nets[number](DATA), LABELS)).backward()
            optimisers[number].step()
    return [net.weight.detach() for net in nets]


def test_one_of_several_losses_gets_the_other_sign() -> None:
    anatomist = Anatomist(torch)
    two_that_step()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    told = all_interventions()["loss_sign"].levels(anatomy)
    assert [*told] == ["negated", "negated_1", "negated_2"] and all("SGD at " in told[name] for name in [*told][1:])
    assert [*all_interventions()["loss_sign"].levels(looked())] == ["negated"]
    for level, signs in (("negated", (-1, -1)), ("negated_1", (1, -1)), ("negated_2", (-1, 1))):
        wanted = two_that_step(signs)
        with changed("loss_sign", level, anatomy):
            assert all(torch.allclose(one, other) for one, other in zip(two_that_step(), wanted, strict=True))


@pytest.mark.parametrize("way", ["mul_", "div_", "*="])
def test_weights_that_train_are_not_made_smaller_by_hand(way: str) -> None:
    def decayed(factor: float) -> torch.Tensor:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for _ in range(4):
            optimiser.zero_grad()
            functional.cross_entropy(net(DATA), LABELS).backward()
            optimiser.step()
            with torch.no_grad():
                for weight in net.parameters():
                    if way == "*=":
                        weight *= factor
                    else:
                        getattr(weight, way)(factor if way == "mul_" else 1 / factor)
        return net.weight.detach()

    anatomist = Anatomist(torch)
    decayed(0.9)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert "kept" in all_interventions()["kept_weights"].levels(anatomy)
    with changed("kept_weights", "kept", anatomy):
        assert torch.allclose(decayed(0.9), decayed(1.0))


def test_an_optimiser_steps_where_nothing_moves() -> None:
    def still(moves: bool) -> tuple[torch.Tensor, float]:
        torch.manual_seed(0)
        net = Net()
        for _ in range(40):
            loss = functional.cross_entropy(net(DATA), LABELS)
            net.zero_grad()
            loss.backward()
            with torch.no_grad():
                for weight in net.parameters():
                    if moves:
                        weight -= 0.1 * weight.grad
                    else:
                        weight = weight - 0.1 * weight.grad
        return weights(net), float(loss.detach())

    def levels(moves: bool) -> Any:
        anatomist = Anatomist(torch)
        still(moves)
        return anatomy_from(anatomist.conclude()["anatomy"])

    added = all_interventions()["added_steps"].levels
    anatomy = levels(moves=False)
    assert not added(levels(moves=True)) and not added(looked()) and added(anatomy).keys() == {"adam"}
    before = still(moves=False)[1]
    with changed("added_steps", "adam", anatomy):
        assert still(moves=False)[1] < 0.99 * before
    assert still(moves=False)[1] == before


@pytest.mark.parametrize("kind", ["bool", "float", "picked", "viewed"])
def test_the_other_part_of_a_mask_counts(kind: str) -> None:
    mask = torch.arange(40) % 4 == 0

    def masked(mask: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        each = functional.cross_entropy(net(DATA), LABELS, reduction="none")
        if kind == "picked":
            each[mask].mean().backward()
        elif kind == "viewed":
            ((each.view(8, 5) * mask.view(8, 5)).sum() / 10).backward()
        else:
            weight = mask.float() if kind == "float" else mask
            ((each * weight).sum() / weight.sum()).backward()
        optimiser.step()
        assert net.weight.grad is not None
        return net.weight.grad

    anatomist = Anatomist(torch)
    masked(mask)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    levels = all_interventions()["loss_mask"].levels
    assert levels(anatomy).keys() == {"inverted"} and not levels(looked())
    wanted = masked(~mask)
    with changed("loss_mask", "inverted", anatomy):
        assert torch.allclose(masked(mask), wanted)
        assert torch.tensor([DATA[0, 0], DATA[0, 1]]).tolist() == DATA[0, :2].tolist()
    assert not torch.allclose(masked(mask), wanted)


@pytest.mark.parametrize("kind", ["mean", "share", "before"])
def test_each_element_of_a_loss_counts_alike(kind: str) -> None:
    weights = (DATA[:, 0] - 1).clamp(min=0)

    def weighed(by: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        each = functional.cross_entropy(net(DATA), LABELS, reduction="none")
        loss = {"mean": lambda: (by * each).mean(), "share": lambda: (each * by).sum() / by.sum()}
        loss.get(kind, lambda: by.mul(each).mean())().backward()
        optimiser.step()
        assert net.weight.grad is not None
        return net.weight.grad

    anatomist = Anatomist(torch)
    weighed(weights)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    levels = all_interventions()["loss_weights"].levels
    assert levels(anatomy).keys() == {"alike"} and not levels(looked())
    assert not all_interventions()["loss_mask"].levels(anatomy)
    wanted = weighed(torch.ones(len(DATA)))
    with changed("loss_weights", "alike", anatomy):
        assert torch.allclose(weighed(weights), wanted)
    assert not torch.allclose(weighed(weights), wanted)


class Contrastive(nn.Module):
    """A loss in a module of its own."""

    def __init__(self, by: float = 1.0) -> None:
        super().__init__()
        self.by = by

    def forward(self, far: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
        return (self.by * same * far.pow(2) + self.by * (1 - same) * (2 - far).clamp(min=0).pow(2)).mean()


class Gated(nn.Module):
    """Two ways through a net, by what its inputs say."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 1), nn.Linear(6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = (x[:, :1] > 5).float()
        return gate * self.one(x) + (1 - gate) * self.other(x)


@pytest.mark.parametrize("kind", ["pairs", "halved pairs", "entropy", "gated"])
def test_terms_that_labels_choose_are_exchanged(kind: str) -> None:
    labels = (LABELS == 0).float()

    def chosen(same: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        net = Gated() if kind == "gated" else nn.Linear(6, 1)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        out = net(DATA).squeeze(1)
        if kind.endswith("pairs"):
            loss = Contrastive(0.5 if kind == "halved pairs" else 1.0)(out, same)
        elif kind == "entropy":
            loss = -(same * functional.logsigmoid(out) + (1 - same) * functional.logsigmoid(-out)).mean()
        else:
            loss = functional.binary_cross_entropy_with_logits(out, same)
        loss.backward()
        optimiser.step()
        return torch.cat([one.grad.flatten() for one in net.parameters()])  # type: ignore[union-attr]

    anatomist = Anatomist(torch)
    chosen(labels)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    levels = all_interventions()["chosen_terms"].levels(anatomy)
    assert levels.keys() == ({"turned"} if kind != "gated" else set())
    if levels:
        assert Path(anatomy.chosen.rpartition(":")[0]).name == "test_interventions.py"
        wanted = chosen(1 - labels)
        with changed("chosen_terms", "turned", anatomy):
            assert torch.allclose(chosen(labels), wanted)
        assert not torch.allclose(chosen(labels), wanted)


class Noisy(nn.Module):
    """Adds noise by hand as it trains, or as it is judged too."""

    def __init__(self, always: bool = False) -> None:
        super().__init__()
        self.always = always

    def forward(self, line: torch.Tensor) -> torch.Tensor:
        return line + torch.randn_like(line) if self.training or self.always else line


def test_noise_of_its_own_modules_is_left_out() -> None:
    def heard(*layers: nn.Module) -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(6, 3), *layers, nn.Dropout(0.5))
        optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
        said = []
        for _ in range(3):
            said.append(net(DATA))
            functional.cross_entropy(said[-1], LABELS).backward()
            optimiser.step()
        assert net.training and all(layer.training for layer in layers)
        return [((one != 0).float() * (one - 2 * net[0](DATA))).detach() for one in said]

    anatomist = Anatomist(torch)
    noisy = heard(Noisy())
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    levels = all_interventions()["own_noise"].levels
    assert levels(anatomy).keys() == {"as_judged"} and not levels(looked()), "torch's own dropout is no noise by hand"
    with changed("own_noise", "as_judged", anatomy):
        first, second, third = heard(Noisy())
    assert noisy[1].abs().max() > 0.1 < first.abs().max()
    assert max(float(second.abs().max()), float(third.abs().max())) < 1e-5


def test_maxout_keeps_every_shape() -> None:
    anatomy = looked()
    intervention = all_interventions()["activation"]
    assert "maxout" not in intervention.levels(anatomy) and "maxout" in intervention.tricks(anatomy)
    units = torch.randn(4, 6)
    from backtrack.search_spaces.activations import SWAPS

    pairs = SWAPS["maxout"](units).reshape(4, 3, 2)
    assert torch.equal(pairs[..., 0], pairs[..., 1])
    assert torch.equal(pairs[..., 0], units.reshape(4, 3, 2).amax(2))


def test_classes_that_are_learnt_by_squared_error_may_end_in_a_softmax() -> None:
    def squared(last: bool) -> Net:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(6, 3))
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimiser.zero_grad()
            outputs = net(DATA)
            functional.mse_loss(
                outputs.softmax(-1) if last else outputs, functional.one_hot(LABELS, 3).float()
            ).backward()
            optimiser.step()
        return net  # type: ignore[return-value]

    anatomist = Anatomist(torch)
    squared(last=False)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("last_activation", "softmax", anatomy):
        net = squared(last=False)
    assert torch.allclose(weights(net), weights(squared(last=True)), atol=1e-6)


def test_a_huge_momentum_becomes_the_usual_one() -> None:
    anatomy = looked(momentum=0.999)
    assert all_interventions()["momentum"].levels(anatomy) == {"usual": "momentum=0.9 instead of 0.999"}
    with changed("momentum", "usual", anatomy):
        net = train(momentum=0.999)
    assert torch.allclose(weights(net), weights(train(momentum=0.9)))
    assert not all_interventions()["momentum"].levels(looked(momentum=0.9))


def test_without_steps_the_net_stays_untrained() -> None:
    with changed("steps", "none"):
        net = train()
    torch.manual_seed(0)
    assert torch.equal(weights(net), weights(Net()))
    by_hand = Anatomy(optimisers=[{"kind": "SGD", "lr": 0.1}], inputs={"batch": 20})
    acting = Anatomy(optimisers=[{"kind": "SGD", "lr": 0.1}], acts=True)
    # Where labels can be shuffled it takes a sign.
    for anatomy, on_suspicion in ((looked(), True), (by_hand, False), (acting, False)):
        found = all_interventions()["steps"].described(anatomy)
        assert [*found["levels"]] == ["none"] and found["on_suspicion"] is on_suspicion
    assert not all_interventions()["steps"].levels(Anatomy())


def test_validation_inputs_get_the_scale_of_training_inputs() -> None:
    seen = []

    class Watched(Net):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            seen.append(inputs.detach().clone())
            return super().forward(inputs)

    with changed("validation_inputs", "as_in_training"):
        net = Watched()
        net(DATA)
        with torch.no_grad():
            net(DATA * 50 - 7)
    assert torch.equal(seen[0], DATA)
    assert torch.allclose(seen[1], DATA, atol=1e-3)


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_a_softmax_is_over_the_classes(function: str) -> None:
    class Over(Net):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return getattr(functional, function)(self.second(inputs), dim=0)

    net = Over()
    with changed("softmax_dimension", "classes"):
        found = net(DATA)
    assert torch.allclose(found, getattr(functional, function)(net.second(DATA), dim=1), atol=1e-6)


def test_scores_of_a_softmax_are_divided_by_their_deviation() -> None:
    scores = 50 * torch.randn(4, 6)
    with changed("softmax_scores", "scaled"):
        large, small = torch.softmax(scores, -1), torch.softmax(scores / 1000, -1)
        masked = scores.masked_fill(torch.eye(4, 6) > 0, float("-inf")).softmax(-1)
    assert torch.allclose(large, torch.softmax(scores / scores.std(), -1), atol=1e-6)
    # Scores that are small are left alone, and what is masked counts for none.
    assert torch.allclose(small, torch.softmax(scores / 1000, -1), atol=1e-6)
    assert bool(masked.isfinite().all()) and float(masked.diagonal().max()) == 0 and float(masked.max()) < 0.95


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("attended", ["encoder", "attention", "function", "hand"])
def test_masks_of_attention_are_turned_round(attended: str, mode: str) -> None:
    ids = torch.randint(1, 12, (5, 7))
    ids[torch.arange(7) >= torch.tensor([3, 4, 5, 6, 7])[:, None]] = 0
    words = nn.Embedding(12, 8)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).train(mode == "train")
    causal = torch.ones(7, 7).triu(1).bool()

    def net(out: torch.Tensor) -> torch.Tensor:
        x = words(ids)
        if attended == "encoder":
            return encoder(x, src_key_padding_mask=out)  # type: ignore[no-any-return]
        if attended == "attention":
            return layer.self_attn(x, x, x, key_padding_mask=out, attn_mask=causal)[0]  # type: ignore[no-any-return]
        if attended == "function":
            return functional.scaled_dot_product_attention(x, x, x, attn_mask=~out[:, None])
        scores = (x @ x.transpose(1, 2)).masked_fill(out[:, None], -1e9).masked_fill(causal, -1e9)
        return scores.softmax(-1) @ x

    fast = torch.backends.mha.get_fastpath_enabled()
    with torch.set_grad_enabled(mode == "train"):
        # (Of the last line nothing is padding: turned round, nothing would be left of it, and its mask stays.)
        right = net(ids == 0)
        with changed("attention_mask", "turned", Anatomy()):
            mended = net((ids != 0) & (ids == 0).any(1, keepdim=True))
        assert torch.backends.mha.get_fastpath_enabled() == fast and torch.equal(net(ids == 0), right)
    real = ids != 0
    assert torch.allclose(mended[real], right[real], atol=1e-5)


def test_matrices_of_one_number_are_drawn_and_what_was_learnt_before_stays() -> None:
    class Adapted(nn.Module):
        def __init__(self, linear: nn.Linear) -> None:
            super().__init__()
            self.linear, self.down, self.up = linear, *(nn.Parameter(torch.zeros(6, 6)) for _ in range(2))
            self.shift = nn.Parameter(torch.zeros(6))

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.linear(inputs) + inputs @ self.down @ self.up + self.shift

    base = nn.Sequential(nn.Linear(6, 6))
    with changed("initialisation", "default"):
        base(DATA)
        learnt = base[0].weight.detach().clone()
        net = Adapted(base[0])  # type: ignore[arg-type]
        net(DATA)
    assert torch.equal(net.linear.weight, learnt) and not bool(net.shift.any())
    assert all(float(one.std()) > 0.1 for one in (net.down, net.up))


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(_ctx, inputs):  # type: ignore[no-untyped-def]
        return inputs * 2

    @staticmethod
    def backward(_ctx, gradient):  # type: ignore[no-untyped-def]
        return gradient * 2


def test_what_cannot_be_changed_is_said() -> None:
    anatomist = Anatomist(torch)
    torch.compile(train(), backend="eager")
    found = anatomist.conclude()
    compiled, own = anatomy_from(found["anatomy"]).limits
    assert "compiled" in compiled and "Twice" in own
    names = {one["name"] for one in found["interventions"]}
    assert "learning_rate" in names and not names & {"activation", "last_activation", "normalisation", "dropout"}


def test_what_is_added_to_a_loss_is_left_out() -> None:
    def penalised(weight: float) -> nn.Module:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimiser.zero_grad()
            loss = functional.cross_entropy(net(DATA), LABELS)
            if weight:
                loss = loss + weight * sum(one.abs().sum() for one in net.parameters())
            loss.backward()
            optimiser.step()
        return net

    anatomist = Anatomist(torch)
    penalised(0.5)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("added_terms", "off", anatomy):
        net = penalised(0.5)
    assert torch.allclose(weights(net), weights(penalised(0.0)))
    assert not all_interventions()["added_terms"].levels(looked())


def from_file(state: dict[str, torch.Tensor], copies: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """First weights of a net whose weights are loaded before it trains, and of its copy, if it has one."""
    torch.manual_seed(0)
    net, copy = Net(), Net()
    if not copies:
        net.load_state_dict(state)
    copy.load_state_dict(net.state_dict())
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    first = weights(net).clone()
    best = net.state_dict()
    for _ in range(3):
        optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
    kept = {name: weight.clone() for name, weight in best.items()}
    net.load_state_dict(kept)
    assert torch.equal(net.state_dict()["first.weight"], kept["first.weight"])
    return first, weights(copy)


def test_weights_are_left_as_they_were_made() -> None:
    state = {name: torch.full_like(weight, 0.3) for name, weight in Net().state_dict().items()}
    anatomist = Anatomist(torch)
    loaded, _ = from_file(state)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert anatomy.pretrained and bool((loaded == 0.3).all())
    with changed("loaded_weights", "not_loaded", anatomy):
        made, copied = from_file(state)
    torch.manual_seed(0)
    assert torch.equal(made, weights(Net())) and torch.equal(copied, made)


def test_a_copy_of_another_net_is_no_pretrained_one() -> None:
    anatomist = Anatomist(torch)
    from_file({}, copies=True)
    assert not anatomy_from(anatomist.conclude()["anatomy"]).pretrained


def trained_in_two_parts() -> tuple[bool, bool]:
    """Pretrains, freezes, trains on: whether frozen weights move, and whether they are joined by another net's."""
    net, other = Net(), Net()
    kept = torch.optim.SGD(other.parameters(), lr=0.1)
    for optimiser, model in ((torch.optim.SGD(net.parameters(), lr=0.1), net), (kept, other)):
        functional.cross_entropy(model(DATA), LABELS).backward()
        optimiser.step()
    for weight in net.parameters():
        weight.requires_grad = weight is net.second.bias
    head = torch.optim.SGD([weight for weight in net.parameters() if weight.requires_grad], lr=0.1)
    before = net.first.weight.detach().clone()
    for _ in range(3):
        head.zero_grad()
        functional.cross_entropy(net.eval()(DATA), LABELS).backward()
        kept.step()
        head.step()
    held = {id(weight) for group in head.param_groups for weight in group["params"]}
    return not torch.equal(net.first.weight, before), any(id(weight) in held for weight in other.parameters())


def test_what_is_frozen_after_a_pretraining_learns_too() -> None:
    anatomist = Anatomist(torch)
    assert trained_in_two_parts() == (False, False)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("trained_parameters", "unfrozen", anatomy):
        moved, others = trained_in_two_parts()
    assert moved and not others


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from DATA


def through_a_loader() -> list[torch.Tensor]:
    """Two epochs of a stream, after a training."""
    train(steps=1)
    loader = torch.utils.data.DataLoader(Stream(), batch_size=8)
    return [torch.cat(list(loader)) for _ in range(2)]


@pytest.mark.parametrize(("gradients", "offered"), [(True, {"shuffled"}), (False, set())])
def test_what_a_net_is_judged_by_need_not_be_shuffled(gradients: bool, offered: set[str]) -> None:
    anatomist = Anatomist(torch)
    train(steps=1)
    loader = torch.utils.data.DataLoader(DATA, batch_size=8)
    for _ in range(2):
        with torch.set_grad_enabled(gradients):
            assert torch.equal(torch.cat(list(loader)), DATA)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert set(all_interventions()["order"].levels(anatomy)) == offered


def test_a_stream_is_mixed() -> None:
    anatomist = Anatomist(torch)
    assert all(torch.equal(one, DATA) for one in through_a_loader())
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert "buffer" in all_interventions()["order"].levels(anatomy)["shuffled"]
    with changed("order", "shuffled", anatomy):
        first, second = through_a_loader()
    assert not torch.equal(first, DATA) and not torch.equal(first, second)
    assert all(torch.equal(one.sort(0).values, DATA.sort(0).values) for one in (first, second))


def test_a_schedule_is_seen_by_the_rate_of_the_first_step_too() -> None:
    def train_warm() -> Net:
        torch.manual_seed(0)
        net = Net()
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        warm = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: (step + 1) // 100)
        for _ in range(3):
            optimiser.zero_grad()
            functional.cross_entropy(net(DATA), LABELS).backward()
            optimiser.step()
            warm.step()
        return net

    anatomist = Anatomist(torch)
    still = weights(train_warm())
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert "none" in all_interventions()["schedule"].levels(anatomy)
    with changed("schedule", "none", anatomy):
        assert not torch.equal(weights(train_warm()), still)


class Latent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean, self.out = nn.Linear(6, 2), nn.Linear(2, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.out(torch.distributions.Normal(self.mean(inputs), 0.1).sample())


def train_latent() -> bool:
    """Whether the weights in front of a sample get a gradient."""
    torch.manual_seed(0)
    net = Latent()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
    return net.mean.weight.grad is not None


def test_a_sample_keeps_its_gradient() -> None:
    anatomist = Anatomist(torch)
    assert not train_latent()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert "resampled" in all_interventions()["gradient_flow"].levels(anatomy)
    assert "resampled" not in all_interventions()["gradient_flow"].levels(looked())
    with changed("gradient_flow", "resampled", anatomy):
        assert train_latent()
        # Outside of a forward pass nothing changes.
        mean = torch.zeros(3, requires_grad=True)
        assert not torch.distributions.Normal(mean, 1.0).sample().requires_grad


def two_optimisers_of_one_net() -> tuple[bool, bool]:
    """Of a net that makes inputs and one that judges them, the first without an optimiser: which of them move."""
    torch.manual_seed(0)
    maker, judge = nn.Linear(2, 6), nn.Linear(6, 1)
    first, second = (torch.optim.SGD(judge.parameters(), lr=0.1) for _ in range(2))
    before = maker.weight.detach().clone()
    for _ in range(3):
        made, aim = maker(DATA[:, :2]), torch.ones(40, 1)
        for optimiser, given, wanted in ((first, made.detach(), 0 * aim), (second, made, aim)):
            optimiser.zero_grad()
            functional.binary_cross_entropy_with_logits(judge(given), wanted).backward()
            old = judge.weight.detach().clone()
            optimiser.step()
    return not torch.equal(maker.weight, before), not torch.equal(judge.weight, old)


def test_an_optimiser_that_was_made_of_the_other_net_gets_its_own() -> None:
    anatomist = Anatomist(torch)
    assert two_optimisers_of_one_net() == (False, True)
    with changed("trained_parameters", "all", anatomy_from(anatomist.conclude()["anatomy"])):
        assert two_optimisers_of_one_net() == (True, False)


def in_another_order(shape: tuple[int, ...], *sizes: int) -> torch.Tensor:
    """Numbers of a shape, viewed in another one in a training's first steps."""
    train(steps=1)
    return torch.arange(float(torch.Size(shape).numel())).reshape(shape).view(*sizes)


def test_axes_are_put_in_order() -> None:
    anatomist = Anatomist(torch)
    in_another_order((5, 4, 4, 3), -1, 3, 4, 4)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    (found,) = anatomy.exchanged
    assert found["order"] == [0, 3, 1, 2] and found["function"] == "view" and "test_interventions" in found["place"]
    assert not looked().exchanged
    with changed("axes", "permuted", anatomy):
        images, rows = in_another_order((5, 4, 4, 3), -1, 3, 4, 4), in_another_order((2, 1, 3), 3, 2, 1)
        joined = in_another_order((5, 4, 3), 5, 12)
    assert torch.equal(images, torch.arange(240.0).reshape(5, 4, 4, 3).permute(0, 3, 1, 2))
    assert torch.equal(rows, torch.arange(6.0).reshape(2, 1, 3).permute(2, 0, 1))
    assert torch.equal(joined, torch.arange(60.0).reshape(5, 12))


def clipping(clip: bool = True) -> torch.Tensor:
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(0.2)
    for _ in range(2):
        optimiser.zero_grad()
        functional.cross_entropy(net.eval()(DATA), LABELS).backward()
        optimiser.step()
        if clip:
            for weight in net.parameters():
                weight.data.clamp_(-0.01, 0.01)
    assert torch.equal(torch.tensor([2.0, -3.0]).clamp_(-1, 1), torch.tensor([1.0, -1.0]))
    return weights(net)


def test_other_tensors_at_the_place_of_a_weight_that_is_gone_are_clipped() -> None:
    anatomist = Anatomist(torch)
    clipping()
    with changed("weight_clipping", "off", anatomy_from(anatomist.conclude()["anatomy"])):
        net = nn.Linear(6, 6)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        net(DATA).sum().backward()
        optimiser.step()
        place = net.weight.data.fill_(3)
        assert place.clamp_(max=1).max() == 3
        del optimiser, net
        gc.collect()
        assert place.clamp_(max=1).max() == 1


def test_weights_are_not_clipped() -> None:
    anatomist = Anatomist(torch)
    assert clipping().abs().max() <= 0.0101
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("weight_clipping", "off", anatomy):
        assert torch.equal(clipping(), clipping(clip=False))
    assert clipping().abs().max() <= 0.0101
    assert "weights clipped" not in looked().calls


@pytest.mark.parametrize(("name", "given"), [("label_smoothing", 0.9), ("weight", torch.tensor([0.0, 1.0, 2.0]))])
def test_an_option_of_a_loss_is_left_out(name: str, given: Any) -> None:
    outputs = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def loss() -> torch.Tensor:
        return functional.cross_entropy(outputs, LABELS, **{name: given})

    anatomist = Anatomist(torch)
    loss().backward()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert list(all_interventions()["loss_options"].levels(anatomy)) == [f"without_{name}"]
    plain = functional.cross_entropy(outputs, LABELS)
    with changed("loss_options", f"without_{name}", anatomy):
        assert torch.equal(loss(), plain)
        with torch.no_grad():
            # What a program is judged by stays.
            assert not torch.equal(loss(), plain)
    assert not all_interventions()["loss_options"].levels(looked())


@pytest.mark.parametrize("option", [{"eps": 10.0}, {"betas": (0.9, 0.1)}, {"maximize": True}])
def test_an_option_of_an_optimiser_is_left_out(option: dict[str, Any]) -> None:
    def adam(**options: Any) -> torch.Tensor:
        torch.manual_seed(0)
        net = Net().eval()
        optimiser = torch.optim.Adam(net.parameters(), lr=0.01, **options)
        for _ in range(3):
            optimiser.zero_grad()
            functional.cross_entropy(net(DATA), LABELS).backward()
            optimiser.step()
        return weights(net)

    (name,) = option
    anatomist = Anatomist(torch)
    adam(**option)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert list(all_interventions()["optimiser_options"].levels(anatomy)) == [f"without_{name}"]
    with changed("optimiser_options", f"without_{name}", anatomy):
        assert torch.equal(adam(**option), adam())
    assert not torch.equal(adam(**option), adam())
    assert not all_interventions()["optimiser_options"].levels(looked())


def moved_by_hand(rate: float = 0.1, clear: bool = False) -> torch.Tensor:
    """Weights that a program moves by their gradients itself."""
    torch.manual_seed(0)
    net = Net().eval()
    for _ in range(5):
        functional.cross_entropy(net(DATA), LABELS).backward()
        with torch.no_grad():
            for weight in net.parameters():
                weight -= rate * weight.grad
                if clear:
                    weight.grad = None
    return weights(net)


def test_weights_that_are_moved_by_hand_have_a_rate_and_gradients_to_clear() -> None:
    anatomist = Anatomist(torch)
    moved_by_hand()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("clear_gradients", "each_step", anatomy):
        assert torch.allclose(moved_by_hand(), moved_by_hand(clear=True))
    slow = moved_by_hand(0.01, clear=True)
    with changed("learning_rate", "x0.1", anatomy):
        assert torch.allclose(moved_by_hand(clear=True), slow)
    assert not torch.allclose(moved_by_hand(), moved_by_hand(clear=True))
    assert "gradients kept by hand" not in looked().calls and "weights moved by hand" not in looked().calls


def stepped_with_a_closure(clear: bool) -> torch.Tensor:
    """Weights after steps that go backward several times each."""
    torch.manual_seed(0)
    net = Net().eval()
    optimiser = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=4)

    def closure() -> float:
        if clear:
            optimiser.zero_grad()
        loss = functional.cross_entropy(net(DATA), LABELS)
        loss.backward()
        return loss.item()

    for _ in range(3):
        optimiser.step(closure)
    return weights(net)


def test_gradients_are_cleared_before_each_call_of_a_closure() -> None:
    anatomist = Anatomist(torch)
    stepped_with_a_closure(clear=False)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert list(all_interventions()["clear_gradients"].levels(anatomy).values()) == [
        "optimizer.zero_grad() before loss.backward()"
    ]
    with changed("clear_gradients", "each_step", anatomy):
        assert torch.equal(stepped_with_a_closure(clear=False), stepped_with_a_closure(clear=True))
    assert not torch.allclose(stepped_with_a_closure(clear=False), stepped_with_a_closure(clear=True))
    anatomist = Anatomist(torch)
    stepped_with_a_closure(clear=True)
    sound = anatomy_from(anatomist.conclude()["anatomy"])
    assert not all_interventions()["clear_gradients"].levels(sound)


def made_in_each_epoch(once: bool) -> torch.Tensor:
    """Weights of the last of four models that are trained one after another, or of one that is trained all along."""
    torch.manual_seed(0)
    net = Net().eval()
    for epoch in range(4):
        if epoch and not once:
            net = Net().eval()
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
    return weights(net)


def test_a_model_that_is_made_anew_begins_with_what_the_one_before_has_learnt() -> None:
    anatomist = Anatomist(torch)
    made_in_each_epoch(once=False)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert list(all_interventions()["kept_weights"].levels(anatomy)) == ["carried"]
    with changed("kept_weights", "carried", anatomy):
        carried = made_in_each_epoch(once=False)
    assert torch.allclose(carried, made_in_each_epoch(once=True))
    assert not torch.allclose(carried, made_in_each_epoch(once=False))
    assert not all_interventions()["kept_weights"].levels(looked())


@pytest.mark.parametrize(("some", "held"), [(slice(None), True), (slice(0, 30), False)])
def test_where_a_loss_is_of_some_rows_none_are_held_back(some: slice, held: bool) -> None:
    anatomist = Anatomist(torch)
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    functional.cross_entropy(net(DATA)[some], LABELS[some]).backward()
    optimiser.step()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert bool(all_interventions()["held_back"].levels(anatomy)) is held


@pytest.mark.parametrize("pairs", [True, False])
def test_examples_that_are_each_others_targets_are_not_held_back(pairs: bool) -> None:
    torch.manual_seed(0)
    anatomist = Anatomist(torch)
    net = nn.Linear(6, 16)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(4):
        first, second = net(torch.randn(16, 6)), net(torch.randn(16, 6))
        asked = torch.arange(16) if pairs else torch.randperm(16)
        optimiser.zero_grad()
        functional.cross_entropy(first @ second.T, asked).backward()
        optimiser.step()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert bool(all_interventions()["held_back"].levels(anatomy)) is not pairs


def test_the_narrowest_layer_of_a_net_is_told_where_a_wider_one_is_tried() -> None:
    def narrow(*layers: nn.Module) -> str:
        torch.manual_seed(0)
        anatomist = Anatomist(torch)
        net = nn.Sequential(*layers)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(4):
            optimiser.zero_grad()
            functional.cross_entropy(net(torch.randn(16, 64)), torch.randint(0, 10, (16,))).backward()
            optimiser.step()
        anatomy = anatomy_from(anatomist.conclude()["anatomy"])
        return all_interventions()["capacity"].levels(anatomy)["beside"]

    assert "net (0, Linear, lets 2 of an example's 64 numbers through), here" in narrow(
        nn.Linear(64, 2), nn.ReLU(), nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 10)
    )
    pooled = narrow(
        nn.Unflatten(1, (1, 64)), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(1, 32), nn.Linear(32, 10)
    )
    assert "(1, AdaptiveAvgPool1d, lets 1 of" in pooled
    assert "lets" not in narrow(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def drawn_anew(own: bool, times: int = 3) -> torch.Tensor:
    """Weights of a net after two steps from each of its drawings; `own` draws them without torch's initialisers."""
    torch.manual_seed(0)
    net = Net()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(times):
        for weight in net.parameters():
            weight.data.normal_(0, 0.1) if own else nn.init.normal_(weight, 0, 0.1)
        for _ in range(2):
            optimiser.zero_grad()
            functional.cross_entropy(net.eval()(DATA), LABELS).backward()
            optimiser.step()
    return weights(net)


def test_inputs_like_those_of_training_are_judged_as_they_are() -> None:
    torch.manual_seed(0)
    data = torch.randn(256, 6)
    net = nn.Linear(6, 3)
    with changed("validation_inputs", "as_in_training"):
        for _ in range(4):
            net(data)
        with torch.no_grad():
            own, other = net(data), net(data * 0.2 + 0.5)
    assert torch.allclose(own, net(data)) and torch.allclose(other, net(data), atol=0.05)


@pytest.mark.parametrize("own", [True, False])
def test_weights_that_train_are_drawn_once(own: bool) -> None:
    anatomist = Anatomist(torch)
    drawn_anew(own)
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    once = drawn_anew(own, times=1)
    with changed("kept_weights", "kept", anatomy):
        # What is drawn before the first step counts.
        assert torch.equal(drawn_anew(own, times=1), once)
        kept = drawn_anew(own)
    # Four further steps from where the first drawing had led.
    assert 0 < (kept - once).norm() < 0.3 * (drawn_anew(own) - once).norm()
    assert "weights written over" not in looked().calls
    assert nn.init.constant_(torch.zeros(2), 3.0).tolist() == [3, 3]


class Tells(nn.Module):
    """Says a token at each step of a line."""

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.embed, self.cell = nn.Embedding(5, 8), nn.GRU(8, 16, batch_first=batch_first)
        self.out = nn.Linear(16, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        told: torch.Tensor = self.out(self.cell(self.embed(tokens))[0])
        return told


def asked_for(lines: torch.Tensor, target: torch.Tensor, batch_first: bool) -> float:
    """The last loss of a net whose loss asks for `target`, over what comes next in the lines: (steps, batch)."""
    torch.manual_seed(0)
    net = Tells(batch_first)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    turned = (lambda tokens: tokens.t()) if batch_first else (lambda tokens: tokens)
    for _ in range(60):
        optimiser.zero_grad()
        functional.cross_entropy(net(turned(lines[:-1])).flatten(0, 1), turned(target).flatten()).backward()
        optimiser.step()
    with torch.no_grad():
        return functional.cross_entropy(net(turned(lines[:-1])).flatten(0, 1), turned(lines[1:]).flatten()).item()


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_net_is_asked_for_the_next_token(batch_first: bool) -> None:
    # Each token is two more than the one before.
    lines = (torch.randint(0, 5, (1, 12)) + 2 * torch.arange(9)[:, None]) % 5
    present, past = lines[:-1], torch.cat([lines[:1], lines[:-2]])
    for wrong in (present, past):
        anatomist = Anatomist(torch)
        astray = asked_for(lines, wrong, batch_first)
        anatomy = anatomy_from(anatomist.conclude()["anatomy"])
        assert anatomy.calls["targets that were read"] and astray > 2
        with changed("target_shift", "next", anatomy):
            assert asked_for(lines, wrong, batch_first) < 0.1
    anatomist = Anatomist(torch)
    right = asked_for(lines, lines[1:], batch_first)
    assert "targets that were read" not in anatomist.conclude()["anatomy"]["calls"]
    with changed("target_shift", "next", anatomy):
        assert asked_for(lines, lines[1:], batch_first) == right


def apart(kept: float = 0.0) -> torch.Tensor:
    """Weights after a step away from distances, half of which are 0."""
    torch.manual_seed(0)
    net = nn.Linear(6, 4)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    out = net(DATA[:4])
    squares = (out[:, None] - out[None]).pow(2).sum(-1)
    (torch.sqrt(squares + kept).mean() + (squares + kept).pow(0.5).mean()).backward()
    optimiser.step()
    return weights(net)


def test_roots_keep_away_from_zero() -> None:
    anatomist = Anatomist(torch)
    assert apart().isnan().all()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert anatomy.steep.partition(":")[0] == __file__ and not looked().steep
    with changed("roots_of_zero", "away", anatomy):
        assert torch.allclose(apart(), apart(kept=1e-9)) and apart().isfinite().all()
        shares = torch.tensor([0.0, 0.5], requires_grad=True)
        assert shares.log().tolist() == torch.tensor([1e-6, 0.5]).log().tolist()
        # What has no gradient, and what is no root, stays as it is.
        assert torch.zeros(2).sqrt().tolist() == [0, 0] and (torch.zeros(2, requires_grad=True) ** 2).sum() == 0


@pytest.mark.parametrize(
    ("written", "edited"),
    [
        ("d = torch.sqrt(a - b)", "d = torch.sqrt(a - b + 1e-09)"),
        ("d = (a - b).pow(2).sum(-1).sqrt()", "d = ((a - b).pow(2).sum(-1) + 1e-09).sqrt()"),
        ("d = -(y * p.log()).sum()", "d = -(y * p.clamp_min(1e-06).log()).sum()"),
        ("d = torch.log(1 - p)", "d = torch.log((1 - p).clamp_min(1e-06))"),
        # Nobody knows which of two; and a power by `**` is no call.
        ("d = p.log() + (1 - p).log()", ""),
        ("d = (a - b) ** 0.5", ""),
    ],
)
def test_a_root_of_zero_is_an_edit_of_its_line(written: str, edited: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(f"import torch\n{written}\n")
    described = all_interventions()["roots_of_zero"].described(Anatomy(steep=f"{tmp_path / 'train.py'}:2"))
    patch = described["patches"]["away"]
    assert [line[1:] for line in patch.splitlines() if line.startswith("+") and line[:3] != "+++"] == (
        [edited] if edited else []
    )


def reloaded(steps: int = 4, kept: int = 1) -> torch.Tensor:
    """The weights of a net that ends with those that it had after so many of its steps."""
    torch.manual_seed(3)
    net = nn.Linear(6, 3)
    # What comes from outside before the training counts, and so do copies that no optimiser moves.
    net.load_state_dict({"weight": torch.ones(3, 6), "bias": torch.zeros(3)})
    optimiser, copy, best = torch.optim.SGD(net.parameters(), lr=0.1), nn.Linear(6, 3), {}
    for number in range(steps):
        optimiser.zero_grad()
        functional.cross_entropy(net(DATA), LABELS).backward()
        optimiser.step()
        copy.load_state_dict(net.state_dict())
        assert torch.equal(weights(copy), weights(net))
        if number + 1 == kept:
            best = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(best)
    return weights(net)


def test_a_net_ends_with_the_weights_of_its_last_step() -> None:
    anatomist = Anatomist(torch)
    reloaded()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert anatomy.reloaded.partition(":")[0] == __file__ and not looked().reloaded
    with changed("last_weights", "last", anatomy):
        last = reloaded()
    assert torch.equal(last, reloaded(kept=4)) and not torch.equal(last, reloaded())


def test_tensors_without_memory_of_their_own_are_written_as_before() -> None:
    with changed("kept_weights", "kept"):
        net = nn.Embedding(5, 3, sparse=True)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        net(torch.arange(3)).sum().backward()
        optimiser.step()
        assert net.weight.grad is not None and net.weight.grad.is_sparse
        net.weight.grad.zero_()
        assert torch.func.vmap(lambda row: row.clone().fill_(2.0))(torch.ones(3, 2)).sum() == 12
    assert net.weight.grad.to_dense().abs().sum() == 0


def draws(step: Callable[[], list[float]]) -> list[list[float]]:
    """What is drawn before each of three steps, after a seed that is given each time."""
    net = nn.Linear(6, 6)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    drawn = []
    for _ in range(3):
        drawn.append(step())
        optimiser.zero_grad()
        net(DATA).sum().backward()
        optimiser.step()
    return drawn


def of_torch() -> list[float]:
    generator = torch.manual_seed(3)
    return torch.rand(2, generator=generator).tolist()


def of_numpy() -> list[float]:
    return np.random.default_rng(3).random(2).tolist()


def of_python() -> list[float]:
    random.seed(3)
    return [random.random()]


def of_its_own() -> list[float]:
    return torch.randint(1000, (4,), generator=torch.Generator().manual_seed(3)).tolist()


@pytest.mark.parametrize("step", [of_torch, of_numpy, of_python, of_its_own])
def test_a_seed_is_given_once(step: Callable[[], list[float]]) -> None:
    anatomist = Anatomist(torch)
    first, *rest = draws(step)
    assert rest == [first, first]
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    with changed("seeds", "once", anatomy):
        assert len({tuple(one) for one in [first, *draws(step)]}) == 3
    assert step() == first


def test_what_a_loss_is_given_by_place_is_known_by_its_name() -> None:
    """torch's own modules hand some of it on by place: the weight of BCEWithLogitsLoss."""
    outputs, classes = torch.randn(6, 3, requires_grad=True), torch.eye(3)[LABELS[:6]]
    weight = torch.tensor([3.0, 1.0, 1.0])
    losses = [lambda: nn.BCEWithLogitsLoss(weight)(outputs, classes),
              lambda: functional.cross_entropy(outputs, LABELS[:6], weight)]  # fmt: skip
    plain = [nn.BCEWithLogitsLoss()(outputs, classes), functional.cross_entropy(outputs, LABELS[:6])]
    for loss, wanted in zip(losses, plain, strict=True):
        anatomist = Anatomist(torch)
        weighed = loss()
        anatomy = anatomy_from(anatomist.conclude()["anatomy"])
        with changed("loss_options", "without_weight", anatomy):
            assert torch.allclose(loss(), wanted)
        assert torch.equal(loss(), weighed) and not torch.allclose(weighed, wanted)
    few = Anatomy(losses=[{"name": "binary_cross_entropy_with_logits", "binary": True, "mean": 0.1}])
    rare = torch.zeros(6, 3).index_fill(0, torch.tensor([0]), 1.0)
    with changed("hard_negatives", "hard", few):
        by_place, by_name = (
            nn.BCEWithLogitsLoss()(outputs, rare),
            functional.binary_cross_entropy_with_logits(outputs, rare),
        )
    assert torch.equal(by_place, by_name)


@pytest.mark.parametrize("logits", [True, False])
def test_only_the_hardest_negatives_count(logits: bool) -> None:
    outputs = torch.tensor([[2.0], [-1.0], [0.5], [-3.0], [-2.0], [1.0]], requires_grad=True)
    targets = torch.tensor([[1.0], [0.0], [0.0], [0.0], [0.0], [0.0]])

    def loss() -> torch.Tensor:
        if logits:
            return functional.binary_cross_entropy_with_logits(outputs, targets)
        return functional.binary_cross_entropy(torch.sigmoid(outputs), targets)

    anatomist = Anatomist(torch)
    loss().backward()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert all_interventions()["hard_negatives"].levels(anatomy)
    with changed("hard_negatives", "hard", anatomy):
        hard = loss()
    # The positive, and the negative of 1.0.
    each = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
    assert torch.allclose(hard, (each[0] + each[5]) / 2)
    assert torch.allclose(loss(), each.mean())


def test_the_programs_own_optimiser_at_its_usual_rate_is_the_first_other_one() -> None:
    levels = all_interventions()["optimiser"].levels(Anatomy(optimisers=[{"kind": "RMSprop", "lr": 2.0}]))
    assert next(iter(levels)) == "rmsprop_usual" and "adamw_usual" in levels
