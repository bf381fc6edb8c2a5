"""Losses whose two arguments are no equals: which side is what a net computes, and which is what is known."""

from __future__ import annotations

from typing import Any

# Losses whose second argument is what is known.
ONE_SIDED = ("cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "poisson_nll_loss")
# Losses of numbers, whose two arguments are equals.
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
# A sum of probabilities this far from 1 is none.
OFF = 0.01


def in_order(name: str, first: Any, second: Any) -> tuple[Any, Any]:
    """What a net computes and what is known, of a loss that is the same both ways; others stay as they are.

    Args:
        name: of torch's loss function.
        first, second: its two arguments.

    Example:
        >>> import torch
        >>> known, said = torch.zeros(3), torch.ones(3, requires_grad=True)
        >>> in_order("mse_loss", known, said) == (said, known), in_order("kl_div", known, said) == (known, said)
        (True, True)
    """
    if name in REGRESSIONS and getattr(second, "requires_grad", False) and not getattr(first, "requires_grad", True):
        return second, first
    return first, second


def are_exchanged(name: str, output: Any, target: Any, options: dict[str, Any]) -> bool:
    """Whether the target is what a net computes, and the output is not, of a loss whose two sides differ.

    The divergence of `kl_div` has a meaning both ways; but its output is a logarithm, and its target is none unless
    `log_target` says so. Where it is the other way round, they have changed places.

    Args:
        name: of torch's loss function.
        output, target: its first two arguments.
        options: the others, by name.

    Example:
        >>> import torch
        >>> logits, known = torch.zeros(4, 3, requires_grad=True), torch.full((4, 3), 1 / 3)
        >>> are_exchanged("kl_div", known, logits.log_softmax(1), {})
        True
        >>> are_exchanged("kl_div", logits.log_softmax(1), known, {})
        False
    """
    if output.requires_grad or not getattr(target, "requires_grad", False):
        return False
    if name == "kl_div":
        return not options.get("log_target") and _are_logarithms(target) and not _are_logarithms(output)
    return name in ONE_SIDED


def _are_logarithms(given: Any) -> bool:
    """Whether the exponentials of each row sum to 1; what is lost already does not say that they do not."""
    if given.ndim < 2 or not given.is_floating_point():
        return False
    sums = given.detach().float().exp().sum(-1)
    return not bool(((sums - 1).abs() >= OFF).any())
