"""Targets in the form that the loss takes, and rare classes that count as much as frequent ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.nn import functional

from backtrack.task.intervention import Anatomy, anatomy_from
from backtrack.trial.intervening.anatomist import Anatomist
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions

LINES = torch.randn(6, 3, 3, generator=torch.Generator().manual_seed(3))
INPUTS = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
# One in ten is 1.
RARE = (torch.arange(40) % 10 == 0).float()


def looked(loss: nn.Module, targets: torch.Tensor, outputs: int = 1) -> Anatomy:
    """What is seen of a training by a loss."""
    anatomist = Anatomist(torch)
    net = nn.Linear(3, outputs)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    said = net(INPUTS)
    loss(said.squeeze(1) if outputs == 1 else said, targets).backward()
    optimiser.step()
    return anatomy_from(anatomist.conclude()["anatomy"])


def levels(name: str, anatomy: Anatomy) -> set[str]:
    return set(all_interventions()[name].levels(anatomy))


@contextmanager
def changed(name: str, level: str, anatomy: Anatomy) -> Iterator[None]:
    training = apply_levels(torch, {name: level}, anatomy.as_json())
    try:
        yield
    finally:
        training.end()


def outputs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).requires_grad_()


def test_labels_of_0_and_1_get_two_signs() -> None:
    anatomy, said = looked(nn.SoftMarginLoss(), RARE), outputs(40)
    assert levels("loss_targets", anatomy) == {"signed"}
    with changed("loss_targets", "signed", anatomy):
        value = functional.soft_margin_loss(said, RARE)
    assert torch.equal(value, functional.soft_margin_loss(said, 2 * RARE - 1))
    assert levels("loss_targets", looked(nn.SoftMarginLoss(), 2 * RARE - 1)) == set()


@pytest.mark.parametrize(("times", "added"), [(255.0, 0.0), (1.0, 1.0), (2.0, -1.0)])
def test_targets_beyond_0_and_1_are_brought_there(times: float, added: float) -> None:
    other = times * RARE + added
    anatomy, said = looked(nn.BCEWithLogitsLoss(), other), outputs(40)
    assert levels("loss_targets", anatomy) == {"zero_one"}
    with changed("loss_targets", "zero_one", anatomy):
        value = functional.binary_cross_entropy_with_logits(said, other)
    assert torch.equal(value, functional.binary_cross_entropy_with_logits(said, RARE))
    assert levels("loss_targets", looked(nn.BCEWithLogitsLoss(), 0.1 + 0.8 * RARE)) == set()


def test_a_1_for_each_class_becomes_its_number_where_the_loss_takes_numbers() -> None:
    has = torch.tensor([[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]]).repeat(10, 1)
    numbers = torch.tensor([[3, 1, -1, -1], [0, -1, -1, -1], [-1, -1, -1, -1], [3, 2, 1, 0]]).repeat(10, 1)
    anatomy, said = looked(nn.MultiLabelMarginLoss(), has, outputs=4), outputs(40, 4)
    assert levels("loss_targets", anatomy) == {"numbers"}
    with changed("loss_targets", "numbers", anatomy):
        value = functional.multilabel_margin_loss(said, has)
    assert torch.equal(value, functional.multilabel_margin_loss(said, numbers))
    assert levels("loss_targets", looked(nn.MultiLabelMarginLoss(), numbers, outputs=4)) == set()


def test_targets_that_are_left_out_count_again() -> None:
    classes = RARE.long()
    anatomy, said = looked(nn.CrossEntropyLoss(ignore_index=0), classes, outputs=2), outputs(40, 2)
    assert levels("loss_targets", anatomy) == {"all_count"}
    with changed("loss_targets", "all_count", anatomy):
        value = functional.cross_entropy(said, classes, ignore_index=0)
    assert torch.equal(value, functional.cross_entropy(said, classes))
    assert levels("loss_targets", looked(nn.CrossEntropyLoss(), classes, outputs=2)) == set()


@pytest.mark.parametrize("logits", [True, False])
def test_a_rare_answer_weighs_as_much_as_the_frequent_one(logits: bool) -> None:
    name = "binary_cross_entropy_with_logits" if logits else "binary_cross_entropy"
    anatomy = looked(nn.BCEWithLogitsLoss(), RARE)
    assert levels("class_weights", anatomy) == {"balanced"}
    said = outputs(40) if logits else torch.sigmoid(outputs(40))
    with changed("class_weights", "balanced", anatomy):
        value = getattr(functional, name)(said, RARE)
    each = getattr(functional, name)(said, RARE, reduction="none")
    assert torch.allclose(value, torch.where(RARE > 0.5, 9.0, 1.0).mul(each).mean())


def test_of_several_labels_an_example_none_is_rare() -> None:
    several = functional.one_hot(torch.arange(40) % 8, 8).float()
    assert levels("class_weights", looked(nn.BCEWithLogitsLoss(), several, outputs=8)) == set()
    assert levels("class_weights", looked(nn.BCEWithLogitsLoss(), (torch.arange(40) % 2).float())) == set()


@pytest.mark.parametrize(
    ("labels", "blank", "free"),
    [([[1, 4], [2, 0], [3, 3]], 4, 0), ([[0, 3], [1, 0], [2, 2]], 0, 4), ([[1, 3], [2, 0], [3, 2]], 0, None),
     ([[0, 4], [1, 0], [2, 2]], 0, None)],
    ids=["the last is taken", "the first is taken", "what fills lines up is no label", "both are taken"],
)  # fmt: skip
def test_the_blank_is_a_number_that_no_label_has(labels: list[list[int]], blank: int, free: int | None) -> None:
    words, sizes = torch.tensor(labels), (torch.full((3,), 6), torch.tensor([2, 1, 2]))
    net = nn.Linear(3, 5)

    def loss() -> torch.Tensor:
        return functional.ctc_loss(net(LINES).log_softmax(-1), words, *sizes, blank=blank)

    anatomist = Anatomist(torch)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)
    loss().backward()
    optimiser.step()
    anatomy = anatomy_from(anatomist.conclude()["anatomy"])
    assert levels("blank", anatomy) == (set() if free is None else {"free"})
    if free is not None:
        wanted = functional.ctc_loss(net(LINES).log_softmax(-1), words, *sizes, blank=free)
        with changed("blank", "free", anatomy):
            assert torch.allclose(loss(), wanted)
        assert not torch.allclose(loss(), wanted)


def test_ctc_gets_log_probabilities() -> None:
    said, words = outputs(6, 4, 5), torch.randint(1, 5, (4, 2), generator=torch.Generator().manual_seed(2))
    sizes = torch.full((4,), 6), torch.full((4,), 2)
    anatomy = Anatomy(losses=[{"name": "ctc_loss"}])
    assert levels("loss_form", anatomy) == {"as_outputs_are"}
    with changed("loss_form", "as_outputs_are", anatomy):
        value = functional.ctc_loss(said, words, *sizes)
        named = functional.ctc_loss(
            log_probs=said, targets=words, input_lengths=sizes[0], target_lengths=sizes[1], blank=0
        )
    wanted = functional.ctc_loss(said.log_softmax(-1), words, *sizes)
    assert torch.allclose(value, wanted) and torch.allclose(named, wanted)


def test_cosines_get_a_temperature_and_other_scores_none() -> None:
    classes, said = RARE.long(), functional.normalize(outputs(40, 4))
    anatomy = looked(nn.CrossEntropyLoss(), classes, outputs=2)
    assert levels("score_scale", anatomy) == {"tenth"} and levels("score_scale", looked(nn.MSELoss(), RARE)) == set()
    with changed("score_scale", "tenth", anatomy):
        value, other = functional.cross_entropy(said, classes), functional.cross_entropy(3 * said, classes)
    assert torch.allclose(value, functional.cross_entropy(10 * said, classes))
    assert torch.equal(other, functional.cross_entropy(3 * said, classes))
