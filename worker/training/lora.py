"""What learns: LoRA layers in the upper part of a model whose own weights are shared and frozen, and perhaps a head."""

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from db.errors import UserError
from worker.llm.local.adapters import twin
from worker.llm.local.heads import HEADS
from worker.llm.local.price_head import PriceHead
from worker.specs.finetune import TrainSpec

Tensor = torch.Tensor

ADAPTER_FILE, CONFIG_FILE = "adapter_model.safetensors", "adapter_config.json"
_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


class Learner(nn.Module):
    """The part of the network that is trained, with its loss. Starts at the lowest layer that learns."""

    def __init__(self, model: Any, spec: TrainSpec, base_name: str) -> None:
        """`model` is a causal language model of transformers; it is not changed, its weights are used in place."""
        from peft import LoraConfig, get_peft_model

        super().__init__()
        count = model.config.num_hidden_layers
        self.first = max(0, count - spec.layers) if spec.layers else 0
        copy = twin(model)
        self._config = LoraConfig(
            r=spec.rank,
            lora_alpha=spec.alpha,
            lora_dropout=spec.dropout,
            target_modules=_targets(copy, spec),
            layers_to_transform=list(range(self.first, count)),
            task_type="CAUSAL_LM",
            base_model_name_or_path=base_name,
        )
        torch.manual_seed(spec.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that PEFT itself uses, and of the base's, which is set below
            whole = get_peft_model(copy, self._config)
        self._config.base_model_name_or_path = base_name
        self._names = {name: p for name, p in whole.named_parameters() if p.requires_grad}
        self.inner = copy.model
        self.dtype: torch.dtype = model.dtype
        # The engine's own attention is for reading only; on a CPU the fused one is slow backwards with padding.
        self.inner.config._attn_implementation = "eager" if model.device.type == "cpu" else "sdpa"
        for module in self.inner.modules():
            if hasattr(module, "cast_input_dtype_enabled"):
                # What learns is float32, and so would be all that it is multiplied with; autocast does that in the
                # model's own type: 1.7 times the speed on a CPU (docs/experiments.md, "Fine-tuning").
                module.cast_input_dtype_enabled = False
        self.output = copy.lm_head
        if self.first:  # after the names were noted: they count layers from the bottom
            self.inner.layers = nn.ModuleList(self.inner.layers[self.first :])
            self.inner.config.num_hidden_layers = count - self.first
            if getattr(self.inner.config, "layer_types", None):
                self.inner.config.layer_types = self.inner.config.layer_types[self.first :]
        if spec.gradient_checkpointing:
            self.inner.activation_checkpointing_enable({"use_reentrant": False})
        self._head_file = spec.says.head_file
        self.head: PriceHead | None = None
        if spec.says.has_head:
            self.head = HEADS[spec.form](model.config.hidden_size).to(self.output.weight.device)

    def forward(
        self,
        states: Tensor,
        mask: Tensor,
        rows: Tensor,
        places: Tensor,
        answers: Tensor,
        weights: Tensor,
        ends: Tensor,
        log_prices: Tensor,
    ) -> dict[str, Tensor]:
        """states (B, T, W) below the first learning layer, or (B, T) token ids where all layers learn; mask (B, T);
        rows, places, answers, weights (A,): token `answers` follows that place; ends (B,): last prompt token, and
        log_prices (B,), NaN for general text.

        The loss: the negative log-likelihood of a whole price in nats, or the loss of its head, or both.
        """
        inputs: dict[str, Any] = {"inputs_embeds": states} if states.is_floating_point() else {"input_ids": states}
        with torch.autocast(states.device.type, self.dtype, enabled=self.dtype != torch.float32):
            hidden = self.inner(**inputs, attention_mask=mask, use_cache=False).last_hidden_state
        count = len(ends)
        loss = hidden.new_zeros((), dtype=torch.float32)
        if len(answers):
            logits = self.output(hidden[rows, places]).float()
            loss = loss + (nn.functional.cross_entropy(logits, answers, reduction="none") * weights).sum() / count
        priced = ~log_prices.isnan()
        if self.head is not None and bool(priced.any()):
            last = hidden[torch.arange(count, device=hidden.device), ends]
            loss = loss + self.head.loss(last[priced], log_prices[priced]) * priced.sum() / count
        return {"loss": loss}

    def learning(self) -> dict[str, Tensor]:
        """Everything that the optimiser changes, by name."""
        head = {} if self.head is None else {f"head.{name}": p for name, p in self.head.named_parameters()}
        return {**self._names, **head}

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Go on with these weights, as `learning` named them."""
        with torch.no_grad():
            for name, parameter in self.learning().items():
                parameter.copy_(weights[name])

    def files(self) -> dict[str, bytes]:
        """The adapter as it is now, as a PEFT folder."""
        # PEFT's own names are without the adapter's name in it.
        weights = {name.replace(".default.", "."): p for name, p in sorted(self._names.items())}
        kept = {name: p.detach().to("cpu", torch.float32).contiguous() for name, p in weights.items()}
        files = {CONFIG_FILE: _config_json(self._config), ADAPTER_FILE: save(kept, metadata={"format": "pt"})}
        if self.head is not None:
            state = {name: value.detach().cpu().contiguous() for name, value in self.head.state_dict().items()}
            files[self._head_file] = save(state)
        return files


def lower_part(model: Any, first: int) -> Any:
    """A copy of the inner model that ends below layer `first`, without the last normalisation; weights are shared."""
    inner = twin(model).model
    inner.layers = nn.ModuleList(inner.layers[:first])
    inner.config.num_hidden_layers = first
    inner.norm = nn.Identity()
    inner.config._attn_implementation = "sdpa"
    return inner


ALIKE = 0.1  # of the states' length; rounding in bf16 stays below a third of it


def check_cut(model: Any, learner: Learner, ids: Sequence[int]) -> None:
    """Raises UserError when the lower layers and what learns, one after the other, are not the whole model: some
    architectures scale what enters their first layer, and would do so twice. Before anything was learned."""
    whole = twin(model).model
    whole.config._attn_implementation = "sdpa"
    tokens = torch.tensor([list(ids)], device=model.device)
    with torch.no_grad(), torch.autocast(model.device.type, learner.dtype, enabled=learner.dtype != torch.float32):
        wanted = whole(input_ids=tokens, use_cache=False).last_hidden_state.float()
        states = lower_part(model, learner.first)(input_ids=tokens, use_cache=False).last_hidden_state
        got = learner.inner(inputs_embeds=states, use_cache=False).last_hidden_state.float()
    if not (got - wanted).norm() <= ALIKE * wanted.norm():
        raise UserError(
            f"The lower layers of a {model.config.model_type} model can't be computed apart from the upper ones; set "
            "the upper layers that learn to 0, so that all do."
        )


def saved(tensors: Mapping[str, Tensor]) -> bytes:
    data: bytes = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    return data


def loaded(data: bytes) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = load(data)
    return tensors


def _targets(model: Any, spec: TrainSpec) -> list[str]:
    """Names of the linear maps inside a layer; those of mixed architectures are all that any layer has."""
    linear = {
        name.rsplit(".", 1)[-1]
        for name, module in model.model.layers.named_modules()
        if isinstance(module, nn.Linear) or "Linear" in type(module).__name__
    }
    return sorted(linear & set(_ATTENTION) if spec.targets == "attention" else linear)


def _config_json(config: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        values = json.loads((Path(folder) / CONFIG_FILE).read_text())
    # Sets have no order: sorted, so that the same adapter has the same bytes.
    ordered = {name: sorted(v) if name == "target_modules" else v for name, v in sorted(values.items())}
    return json.dumps(ordered, indent=2).encode()
