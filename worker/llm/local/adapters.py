"""Puts an adapter into a model that is loaded already: a second tree of layers over the very same weights."""

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load

from db.errors import UserError
from worker.llm.local.heads import head_bytes
from worker.llm.local.int8 import EightBit

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
_WRAPPER = "base_model.model."  # PEFT's own object around a model: its files name parameters from there


def adapter_hash(files: Mapping[str, bytes]) -> str:
    """The hash of the files that are read here: it changes when an answer would."""
    digest = hashlib.sha256()
    for data in (files.get(CONFIG_FILE, b""), files.get(WEIGHTS_FILE, b""), head_bytes(files)):
        digest.update(hashlib.sha256(data).digest())
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
