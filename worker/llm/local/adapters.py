"""Puts an adapter into a model that is loaded already: a second tree of layers over the very same weights."""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from safetensors.torch import load

from db.errors import UserError
from worker.llm.base import LEVELS, Reading, Spent
from worker.llm.local.int8 import EightBit
from worker.llm.local.quantile_head import HEAD_FILE, HEAD_LEVELS, QuantileHead
from worker.llm.price_reading import Floats

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
_WRAPPER = "base_model.model."  # PEFT's own object around a model: its files name parameters from there
_DRAWN = 200  # equally likely points that stand for a distribution


def adapter_hash(files: Mapping[str, bytes]) -> str:
    """The hash of the files that are read here: it changes when an answer would."""
    digest = hashlib.sha256()
    for name in (CONFIG_FILE, WEIGHTS_FILE, HEAD_FILE):
        digest.update(hashlib.sha256(files.get(name, b"")).digest())
    return digest.hexdigest()


def with_adapter(base: Any, files: Mapping[str, bytes], name: str) -> Any:
    """A model that reads through PEFT's LoRA layers; all other weights are the base's own, in the same memory.

    Raises UserError when the adapter was made for other layers than this model has; `name` is the model's.
    """
    from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict

    weights = _weights(files)
    config = LoraConfig.from_peft_type(**json.loads(files[CONFIG_FILE]) | {"inference_mode": True, "lora_dropout": 0.0})
    if not isinstance(config, LoraConfig) or config.use_dora:
        raise UserError("This adapter is of a kind that Pricewright does not read: plain LoRA is needed.")
    model = twin(base)
    bytes_wise = _make_way(model)
    misfit = UserError(
        f"This adapter was made for another model than {name}: its layers are of another number or size; choose the "
        "model that it was trained on."
    )
    try:
        model = inject_adapter_in_model(config, model)
        found = set_peft_model_state_dict(model, weights)
    except (ValueError, RuntimeError) as error:  # no such layers; layers of another size
        raise misfit from error
    if found.unexpected_keys or any("lora_" in key for key in found.missing_keys):
        raise misfit
    for place, layer in bytes_wise.items():
        _put_back(model, place, layer)
    for key, parameter in model.named_parameters():
        if "lora_" in key:
            parameter.data = parameter.data.to(base.dtype)
    return model.eval().requires_grad_(False)


def _weights(files: Mapping[str, bytes]) -> dict[str, torch.Tensor]:
    if CONFIG_FILE not in files or WEIGHTS_FILE not in files:
        raise UserError(f"This is no adapter: it needs the files {CONFIG_FILE} and {WEIGHTS_FILE}.")
    return {name.removeprefix(_WRAPPER): values for name, values in load(files[WEIGHTS_FILE]).items()}


def twin(base: Any) -> Any:
    """A copy of the tree of modules; every tensor in it is the original."""
    tensors = [*base.parameters(), *base.buffers()]
    tensors += [value for part in base.modules() for value in vars(part).values() if isinstance(value, torch.Tensor)]
    return copy.deepcopy(base, {id(tensor): tensor for tensor in tensors})


def _make_way(model: Any) -> dict[str, EightBit]:
    """PEFT puts its layers around linear ones only: such that hold nothing stand in for those of 8-bit integers."""
    found = {place: part for place, part in model.named_modules() if isinstance(part, EightBit)}
    for place, layer in found.items():
        stand_in = torch.nn.Linear(layer.inputs, layer.outputs, bias=False, device="meta", dtype=layer.dtype)
        one = torch.zeros(1, 1, dtype=layer.dtype)  # a number in place of a whole matrix
        stand_in.weight = torch.nn.Parameter(one.expand(layer.outputs, layer.inputs), requires_grad=False)
        _set(model, place, stand_in)
    return found


def _put_back(model: Any, place: str, layer: EightBit) -> None:
    now = model.get_submodule(place)
    if hasattr(now, "base_layer"):
        now.base_layer = layer
    else:
        _set(model, place, layer)


def _set(model: Any, place: str, part: torch.nn.Module) -> None:
    parent, _, own = place.rpartition(".")
    setattr(model.get_submodule(parent), own, part)


def head(files: Mapping[str, bytes]) -> QuantileHead | None:
    """What says quantiles, where the adapter was trained to."""
    return QuantileHead.of(load(files[HEAD_FILE])) if HEAD_FILE in files else None


def quantile_readings(logs: Floats, min_price: int, max_price: int, spent: Sequence[Spent]) -> list[Reading]:
    """One reading per row of `logs`, (n, len(HEAD_LEVELS)) rising quantiles of log price.

    Between the levels, and beyond the outermost two, log price is taken to be linear in the normal score of the level
    (so a bell curve is met exactly). The means are over _DRAWN equally likely points of that. What lies outside the
    range of prices counts as its end.
    """
    drawn = _dollars(logs @ _SPREAD, min_price, max_price)
    levels = _dollars(logs[:, [HEAD_LEVELS.index(level) for level in LEVELS]], min_price, max_price)
    middle, means = levels[:, LEVELS.index(0.5)], drawn.mean(1)
    log_means = _dollars(np.log(drawn).mean(1), min_price, max_price)
    return [
        Reading(
            cost,
            statistics={"median": float(middle[i]), "log-mean": float(log_means[i]), "mean": float(means[i])},
            quantiles=tuple(map(float, levels[i])),
        )
        for i, cost in enumerate(spent)
    ]


def _dollars(logs: Floats, min_price: int, max_price: int) -> Floats:
    """Prices of log prices, held in the range; before exp, so that none is infinite, and after it, for the rounding."""
    held: Floats = np.clip(np.exp(np.clip(logs, np.log(min_price), np.log(max_price))), min_price, max_price)
    return held


def _spread() -> Floats:
    """(len(HEAD_LEVELS), _DRAWN): quantiles at HEAD_LEVELS times this are quantiles at equally spaced levels."""
    known = _normal_scores(np.asarray(HEAD_LEVELS))
    wanted = _normal_scores((np.arange(_DRAWN) + 0.5) / _DRAWN)
    left = np.clip(np.searchsorted(known, wanted) - 1, 0, len(known) - 2)
    share = (wanted - known[left]) / (known[left + 1] - known[left])
    out = np.zeros((len(known), _DRAWN))
    out[left, np.arange(_DRAWN)] = 1 - share
    out[left + 1, np.arange(_DRAWN)] += share
    return out


def _normal_scores(levels: Floats) -> Floats:
    scores: Floats = torch.special.ndtri(torch.from_numpy(levels)).numpy()
    return scores


_SPREAD = _spread()
