"""Looks at one run as written: which models, optimisers, losses, loaders and activations it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any

from backtrack.search_spaces import loss_options, optimiser_options
from backtrack.search_spaces.added_steps import STILL
from backtrack.search_spaces.embedding_bound import BOUNDED, is_bounded
from backtrack.search_spaces.gradients import KEPT, KEPT_BY_HAND
from backtrack.search_spaces.kept_weights import AGAIN, MODELS, shapes_of
from backtrack.search_spaces.learning_rate import BY_HAND as MOVED
from backtrack.search_spaces.loss_terms import terms_of, weights_of, written
from backtrack.search_spaces.own_loss import SEVERAL
from backtrack.task.intervention import Anatomy, Intervention, LossCall, is_added_to
from backtrack.trial.intervening.calls import SCORED, own_gradients
from backtrack.trial.intervening.catalogue import all_interventions
from backtrack.trial.intervening.counting import count_all
from backtrack.trial.intervening.narrowest import narrowest
from backtrack.trial.intervening.sites import CUTTING, HIDDEN
from backtrack.trial.intervening.training import HookedTraining
from backtrack.vocabulary.blank import NAME as BLANKED
from backtrack.vocabulary.blank import blank_of, free_number, labels_of
from backtrack.vocabulary.codes import code_in
from backtrack.vocabulary.graph import MovedByHand, operation_of
from backtrack.vocabulary.linear import LINEAR
from backtrack.vocabulary.moments import FEATURES
from backtrack.vocabulary.optimisers import ids_held_by
from backtrack.vocabulary.places import own_files
from backtrack.vocabulary.shapes import is_one_example
from backtrack.watch.listening.places import own_place

# Steps that are looked at, after which the hooks only count; and batches whose numbers are.
STEPS, BATCHES = 12, 12
# Share of passes of a single example from which on a model is an agent that acts; samples of its own that are scored.
ACTS, SCORES = 0.2, 3
# Share of numbers at the ends of a clamp from which on it is taken for an activation.
CUT = 0.1
# Nodes of the graph behind a loss that are walked through in search of the last activation.
NODES = 60
# Operations of a layer: behind them no activation is the last.
LAYERS = ("Addmm", "Mm", "Bmm", "Baddbmm", "Linear", "Convolution", "Embedding", "MkldnnRnnLayer", "MkldnnConvolution",
          "NativeLayerNorm", "NativeBatchNorm", "Mv", "Dot")  # fmt: skip
# Operations that put a loss together from its parts.
SUMS = ("Add", "Sub", "Mul", "Div", "Neg", "Mean", "Sum", "ToCopy", "View", "Reshape", "Select", "Index", "Stack",
        "Cat", "Expand", "Squeeze", "Unsqueeze", "Unbind", "Where", "MaskedFill", "MaskedSelect", "Clone")  # fmt: skip


class Anatomist:
    """Collects an `Anatomy`.

    Args:
        torch: the module.
        files: with further interventions.
    """

    def __init__(self, torch: Any, files: Sequence[str] = ()) -> None:
        self.torch = torch
        self.anatomy = Anatomy(files=list(files))
        # A file that cannot be loaded is said now, and not after the training.
        all_interventions(tuple(files))
        self.training = HookedTraining(torch, self.anatomy)
        self._models: list[Any] = []
        self._optimisers: list[tuple[Any, dict[str, Any]]] = []
        self._rates: dict[int, set[float]] = {}
        # Optimisers whose rate at their first step is not the one that they were made with.
        self._overridden: set[int] = set()
        self._nodes: dict[Any, str] = {}
        self._lasts: list[str] = []
        self._before_last: dict[str, str] = {}
        self._steps = 0
        self._targets: list[Any] = []
        self._inputs: list[Any] = []
        self._blank = 0
        self._held: set[int] = set()
        # Of a training without an optimiser, in its first backward passes.
        self._by_hand, self._by_hand_seen = MovedByHand(most=8), 0
        # Whether an optimiser steps now: one with a closure goes backward meanwhile.
        self._in_step = False
        self._used: dict[int, Any] = {}
        self._stepped: list[Any] = []
        # Passes of a model; of single examples; and those with a gradient since the last backward pass.
        self._passes = self._single = self._said = 0
        # Of each call of a loss function since the last backward pass: its name, its place, its value.
        self._called: list[tuple[str, str, Any]] = []
        # The present part of the training, such as a pretraining: the step at which it began, losses, optimisers.
        self._began = 0
        self._known: set[tuple[str, str]] = set()
        self._stepping_now: set[int] = set()
        # Shape of what a model is given, while it passes it on, and numbers of an example behind each layer.
        self._now: list[int] = []
        self._widths: list[tuple[str, str, int]] = []
        self._attach()

    def _attach(self) -> None:
        at = self.training
        at.at_model(self._models.append)
        at.at_forward(before=self._given, after=self._result)
        at.at_layer(self._layer)
        at.at_optimiser(self._made)
        at.at_step(before=self._stepping, after=self._stepped_on)
        at.at_loss(self._loss, after=self._valued)
        at.after_activation(self._activation)
        at.at_step(after=lambda optimiser: self._stepped.append(optimiser))
        at.replace(self.torch.autograd, "backward", self._backward)
        count_all(self.training, lambda: self._steps < STEPS)

    @property
    def _early(self) -> bool:
        """Whether these are the first steps of a part of the training."""
        return self._steps - self._began < STEPS

    # --- what is heard ----------------------------------------------------------------------------------------

    def _given(self, model: Any, given: Any) -> Any:
        self._passes += 1
        self._single += isinstance(given, self.torch.Tensor) and is_one_example(model, given)
        mode = (self.torch.is_grad_enabled(), model.training)
        if mode[0] != mode[1]:
            said = "trains in evaluation mode" if mode[0] else "judged in training mode"
            self.anatomy.count(said)
        if isinstance(given, self.torch.Tensor) and mode[0] and len(self._inputs) < BATCHES:
            self._inputs.append(given.detach().cpu())
        self._now = list(given.shape) if isinstance(given, self.torch.Tensor) and mode[0] else []
        self._widths.clear()
        return given

    def _result(self, model: Any, result: Any) -> Any:
        self._said += getattr(result, "requires_grad", False)
        if self._now and isinstance(result, self.torch.Tensor) and result.requires_grad and self._steps < STEPS:
            narrow = self.anatomy.maps.get("narrowest", {})
            if self._widths:
                narrow = narrowest(self._widths, prod(self._now[1:]), prod(result.shape[1:]))
            weighted = [path for path, kind, _ in self._widths if kind in LINEAR]
            weighted = weighted or self.anatomy.maps.get("weighted", [])
            self.anatomy.maps = {
                "given": self._now, "result": list(result.shape), "narrowest": narrow, "weighted": weighted
            }  # fmt: skip
        return result

    def _layer(self, module: Any, path: str, given: Any, result: Any) -> Any:
        if self._steps < 2:
            kind = type(module).__name__
            self._used[id(module)] = module
            if self._now and isinstance(result, self.torch.Tensor) and list(result.shape[:1]) == self._now[:1]:
                self._widths.append((path, kind, prod(result.shape[1:])))
            same = isinstance(given, self.torch.Tensor) and isinstance(result, self.torch.Tensor)
            if kind in ("Linear", "Conv2d", "Conv1d") and same:
                self.anatomy.square += given.shape == result.shape
                site = self._nodes.get(given.grad_fn)
                if site is not None:
                    # A softmax that a layer reads ends nothing, and weighs nothing.
                    self.anatomy.activations.setdefault(site, site.partition(" at ")[0])
        return result

    def _made(self, optimiser: Any) -> None:
        group = optimiser.param_groups[0]
        self._optimisers.append((optimiser, {
            "kind": type(optimiser).__name__, "lr": float(group["lr"]), "place": own_place(),
            "weight_decay": float(group.get("weight_decay") or 0.0), "momentum": float(group.get("momentum") or 0.0),
            "groups": len(optimiser.param_groups),
            "rates": sorted({float(group["lr"]) for group in optimiser.param_groups}),
            "unusual": optimiser_options.unusual(optimiser),
        }))  # fmt: skip

    def _stepped_on(self, optimiser: Any) -> None:
        self._in_step = False

    def _stepping(self, optimiser: Any) -> None:
        self._steps += 1
        self._in_step = True
        self._stepping_now.add(id(optimiser))
        self._rate(optimiser)
        self._held |= ids_held_by(optimiser)
        self._nodes.clear()

    def _rate(self, optimiser: Any) -> None:
        group, key = optimiser.param_groups[0], id(optimiser)
        rate = float(group["lr"])
        if key not in self._rates:
            made = next((entry["lr"] for one, entry in self._optimisers if one is optimiser), rate)
            # Torch's schedulers scale the rate that they found, and keep it; OneCycleLR and programs set their own.
            if made not in (rate, group.get("initial_lr")):
                self._overridden.add(key)
        self._rates.setdefault(key, set()).add(rate)

    def _schedule_of(self, optimiser: Any, made: float) -> dict[str, Any]:
        rates = self._rates.get(id(optimiser), {made})
        overridden = id(optimiser) in self._overridden
        # In the order of their first steps; 0 for one that makes none.
        stepped = [*self._rates].index(id(optimiser)) + 1 if id(optimiser) in self._rates else 0
        scheduled = len({made, *rates}) > 1
        return {"scheduled": scheduled, "stepped": stepped, **({"highest": max(rates)} if overridden else {})}

    def _activation(self, site: str, function: str, result: Any) -> None:
        if not self._early:
            return
        if function in HIDDEN and self.training.inside:
            self.anatomy.activations.setdefault(site, function)
        node = getattr(result, "grad_fn", None)
        if node is not None and function != "log_softmax" and not (function in CUTTING and _cuts_little(result)):
            self._nodes[node] = site

    def _backward(self, own: Any) -> Any:
        def backward(tensors: Any, *arguments: Any, **options: Any) -> Any:
            first = tensors[0] if isinstance(tensors, (tuple, list)) else tensors
            values = [value for *_, value in self._called]
            if is_added_to(first, values):
                self.anatomy.count("added to the loss")
            if self._steps < STEPS and _is_by_hand(first, values):
                self.anatomy.by_hand = self.anatomy.by_hand or own_place()
            if self._said > 1:
                self.anatomy.count(SEVERAL)
            self._said = 0
            self._look_at_part(first)
            self._called.clear()
            if self._steps < STEPS and getattr(first, "grad_fn", None) is not None:
                self._look_at_gradients(first)
                self._look_at_terms(first)
            if self._early and getattr(first, "grad_fn", None) is not None:
                self._lasts.append(self._last_behind(first.grad_fn))
            return own(tensors, *arguments, **options)

        return backward

    def _look_at_part(self, total: Any) -> None:
        """Another part begins where the program trains on another loss than so far: that of its metric comes last."""
        node = getattr(total, "grad_fn", None)
        behind = {node, *(one for one, _ in getattr(node, "next_functions", ()))}
        used = [(name, place) for name, place, value in self._called if value.grad_fn in behind]
        if used and self._known.isdisjoint(used):
            if self._known and not self._early:
                self._began = self._steps
                self._lasts.clear()
                self._targets.clear()
                self._stepping_now.clear()
                losses = self.anatomy.losses
                losses.sort(key=lambda one: one["name"] != used[0][0])
                losses[0]["place"] = used[0][1]
            self._known.update(used)

    def _look_at_gradients(self, loss: Any) -> None:
        """Whether gradients that were stepped with are still there; without an optimiser, whether weights move."""
        by_hand = not self._optimisers
        if (by_hand or self._in_step) and self._by_hand_seen < STEPS:
            self._by_hand_seen += 1
            moved, kept = self._by_hand.look(loss)
            for what in ([MOVED] if moved and by_hand else []) + ([KEPT_BY_HAND] if kept else []):
                self.anatomy.count(what)
        weights = [weight for one in self._stepped for group in one.param_groups for weight in group["params"]]
        self._stepped.clear()
        if any(weight.grad is not None and bool(weight.grad.any()) for weight in weights):
            self.anatomy.count(KEPT)

    def _look_at_terms(self, loss: Any) -> None:
        """Of the losses that are sums, the one of the most terms."""
        count, known = len(terms_of(loss)), self.anatomy.terms
        if count > known.get("count", 0):
            place = own_place()
            self.anatomy.terms = {
                "count": count, "place": place, "written": written(place, count), "weights": weights_of(loss),
            }  # fmt: skip

    def _last_behind(self, node: Any) -> str:
        """The site of the activation that is nearest to a loss, with no layer between; empty where there is none."""
        site, found = self._nearest([node])
        if site and found is not None:
            self._before_last[site], _ = self._nearest([one for one, _ in found.next_functions if one is not None])
        return site

    def _nearest(self, waiting: list[Any]) -> tuple[str, Any]:
        """(site, node) of the nearest activation behind these nodes, with no layer between; ("", None) for none."""
        for _ in range(NODES):
            if not waiting:
                break
            node = waiting.pop(0)
            if node in self._nodes:
                return self._nodes[node], node
            if operation_of(node) not in LAYERS:
                waiting += [one for one, _ in node.next_functions if one is not None]
        return "", None

    def _valued(self, call: LossCall, value: Any) -> None:
        if call.training and isinstance(value, self.torch.Tensor):
            self._called.append((call.name, own_place(), value))

    def _loss(self, call: LossCall) -> None:
        torch = self.torch
        if not call.training or not isinstance(call.target, torch.Tensor):
            return
        known = next((one for one in self.anatomy.losses if one["name"] == call.name), None)
        if known is None:
            self.anatomy.losses.append({
                "name": call.name, "place": own_place(), "output": list(call.output.shape),
                "target": list(call.target.shape), "reduction": call.options.get("reduction", "mean"),
                "floats": call.target.is_floating_point(), "log_input": bool(call.options.get("log_input", True)),
                "ignored": int(call.options.get("ignore_index", -100)), "zeros": bool((call.target == 0).any()),
                "options": loss_options.unusual(call.options), "by_example": self._is_by_example(call.output),
            })  # fmt: skip
        if len(self._targets) < BATCHES and self.anatomy.losses[0]["name"] == call.name:
            counted = labels_of(call.target, call.options) if call.name == BLANKED else call.target
            self._targets.append(counted.detach().cpu())
            self._blank = blank_of(call.options)

    def _is_by_example(self, output: Any) -> bool:
        """Whether a loss has a row for each example that the last model got, or equally many."""
        return bool(self._now) and output.ndim > 0 and len(output) > 0 and len(output) % self._now[0] == 0

    # --- what it comes to -------------------------------------------------------------------------------------

    def conclude(self) -> dict[str, Any]:
        """`{anatomy, interventions}`: what there is, and what can be changed, as plain values."""
        self.training.end()
        anatomy = self.anatomy
        alike = Counter(shapes_of(model) for model in self._models)
        if max(alike.values(), default=0) >= MODELS:
            anatomy.calls[AGAIN] = max(alike.values())
        modules = [one for model in self._models for one in model.modules()]
        reached = {id(one) for one in modules}
        lost = [one for key, one in self._used.items() if key not in reached]
        for one in [*modules, *lost]:
            kind = type(one).__name__
            anatomy.modules[kind] = anatomy.modules.get(kind, 0) + 1
            if is_bounded(one):
                anatomy.count(BOUNDED)
        weights = {id(weight): weight for one in [*modules, *lost] for weight in self.training.weights_of(one)}
        anatomy.parameters = len(weights)
        for weight in list(weights.values())[:1]:
            anatomy.dtype, anatomy.device = str(weight.dtype).removeprefix("torch."), weight.device.type
        anatomy.devices = ["cpu", *(["cuda"] if self.torch.cuda.is_available() else [])]
        anatomy.frozen = sum(not weight.requires_grad for weight in weights.values())
        anatomy.unheld = sum(key not in self._held and weight.requires_grad for key, weight in weights.items())
        anatomy.optimisers = [
            {**made, **self._schedule_of(one, made["lr"])}
            for one, made in sorted(self._optimisers, key=lambda entry: id(entry[0]) not in self._stepping_now)
        ]
        if self._by_hand_seen == STEPS and not (self._optimisers or anatomy.calls.get(MOVED)):
            anatomy.count(STILL)
        anatomy.own_gradients = own_gradients(self.torch)
        places = [str(one["place"]) for one in [*anatomy.optimisers, *anatomy.losses]]
        anatomy.sources = own_files(places, map(type, [*modules, *lost]))
        # Steps that are made and not seen are a part of what is compiled.
        anatomy.captured |= anatomy.compiled and bool(self._optimisers) and not self._steps
        anatomy.acts = self._single > ACTS * max(1, self._passes) or anatomy.calls.get(SCORED, 0) >= SCORES
        self._conclude_last()
        self._conclude_numbers()
        described = [self._described(one) for one in all_interventions(tuple(anatomy.files)).values()]
        return {"anatomy": anatomy.as_json(), "interventions": [one for one in described if one]}

    def _described(self, one: Intervention) -> dict[str, Any]:
        """What it changes here; empty where it changes nothing, or cannot say: the others are there all the same."""
        anatomy = self.anatomy
        try:
            there = (one.levels(anatomy) or one.tricks(anatomy)) and not (one.inside and anatomy.compiled)
            return one.described(anatomy) if there else {}
        except Exception as fault:
            anatomy.failed.append(f"{one.name} failed on what this training is made of ({fault!r})")
            return {}

    def _conclude_last(self) -> None:
        found = [site for site in self._lasts if site]
        if len(found) > len(self._lasts) / 2:
            self.anatomy.last = max(sorted(set(found)), key=found.count)
            self.anatomy.before_last = self._before_last.get(self.anatomy.last, "")
            self.anatomy.activations.pop(self.anatomy.last, None)

    def _conclude_numbers(self) -> None:
        torch, anatomy = self.torch, self.anatomy
        if self._inputs:
            # Of words, whose numbers mean nothing, this is all.
            anatomy.inputs = {"batch": max(len(one) if one.ndim else 1 for one in self._inputs)}
        floats = [one.float().flatten(1) for one in self._inputs if one.is_floating_point() and one.ndim > 1]
        if floats and len({one.shape[1] for one in floats}) == 1:
            rows = torch.cat(floats)[:4096]
            anatomy.inputs = {
                "batch": max(len(one) for one in floats),
                "floats": True, "examples": len(rows), "mean": float(rows.mean()), "std": float(rows.std()),
                "rms": float(rows.square().mean().sqrt()),
            }  # fmt: skip
            code = code_in(rows) if self._inputs[0].ndim == FEATURES else None
            if code is not None:
                anatomy.inputs["code"] = code.value
        if not self._targets or not anatomy.losses:
            return
        first = anatomy.losses[0]
        values = torch.cat([one.flatten() for one in self._targets])
        # Where all targets of a batch are alike, as a GAN's are, their order means nothing; batches of one are alike.
        several = [one for one in self._targets if one.numel() > 1] or [values]
        first["varies"] = any(bool((one != one.flatten()[0]).any()) for one in several)
        first["positions"] = all(one.ndim == 1 and one.tolist() == list(range(len(one))) for one in several)
        # How many classes there are, if these whole numbers are classes.
        real = torch.zeros(0) if values.is_complex() else values.double()
        counted = bool((real.isfinite() & (real == real.round()) & (real >= 0)).all()) and len(real)
        first["whole"] = int(real.max()) + 1 if counted else 0
        if bool(real.isfinite().all()) and len(real):
            first |= {"low": float(real.min()), "high": float(real.max())}
        if values.is_floating_point():
            two = bool(((values == 0) | (values == 1)).all())
            wide = [one for one in self._targets if one.ndim == 2 and one.shape[1] > 1]
            first["binary"] = two
            first["one_hot"] = two and bool(wide) and all(bool((one.sum(1) == 1).all()) for one in wide)
            first["multi_hot"] = two and bool(wide) and not first["one_hot"]
            first |= {"mean": float(values.float().mean()), "std": float(values.float().std())}
        else:
            if first["name"] == BLANKED and bool((values == self._blank).any()):
                first["free_number"] = free_number(values, int(first["output"][-1]))
            _, counts = values.unique(return_counts=True)
            first |= {"classes": len(counts), "largest": float(counts.max() / counts.sum()),
                      "smallest": float(counts.min() / counts.sum())}  # fmt: skip


def _is_by_hand(total: Any, values: Sequence[Any]) -> bool:
    """Whether a part of what a program trains on comes from none of torch's loss functions."""
    known, waiting = {one.grad_fn for one in values}, [getattr(total, "grad_fn", None)]
    for _ in range(NODES):
        if not waiting:
            break
        node = waiting.pop()
        if node is None or node in known:
            continue
        if operation_of(node) not in SUMS:
            return True
        waiting += [one for one, _ in node.next_functions]
    return False


def _cuts_little(result: Any) -> bool:
    """Whether few numbers lie at the ends of what was cut: as of probabilities that are kept from 0 and 1."""
    values = result.detach()
    ends = (values == values.min()) | (values == values.max())
    return bool(ends.float().mean() < CUT)
