"""A small model of the real kind, in a folder with a real tokenizer, and adapters for it: random, made in moments.

Torch takes two seconds to import, and most tests of some files that import this one need none of it.
"""

import json
from typing import Any

from worker.chaos.small_model import a_model_folder
from worker.specs.forms import FORMS

__all__ = ["a_model_folder", "an_adapter"]

HEAD_FILE = FORMS["quantiles"].head_file
PARTS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def an_adapter(base: Any, seed: int, *, layers: tuple[int, ...] = (1, 2), quantiles: bool = False) -> dict[str, bytes]:
    """PEFT's files of an adapter for a transformers model, with random weights that change answers."""
    import torch
    from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model
    from safetensors.torch import save

    from worker.llm.local.quantile_head import QuantileHead

    config = LoraConfig(
        r=2, lora_alpha=4, target_modules=PARTS, layers_to_transform=list(layers), task_type="CAUSAL_LM"
    )
    torch.manual_seed(seed)
    with torch.device("meta"):
        twin = type(base)(base.config)
    model = inject_adapter_in_model(config, twin)
    weights = {
        f"base_model.model.{name}": torch.randn(value.shape) * 0.2
        for name, value in get_peft_model_state_dict(model).items()
    }
    plain = {name: sorted(value) if isinstance(value, set) else value for name, value in config.to_dict().items()}
    files = {"adapter_model.safetensors": save(weights), "adapter_config.json": json.dumps(plain).encode()}
    if quantiles:
        head = QuantileHead(base.config.hidden_size)
        head.start(torch.linspace(1.0, 6.0, 500))
        torch.nn.init.normal_(head.out.weight, std=0.3)
        files[HEAD_FILE] = save(head.state_dict())
    return files | {"README.md": b"# A card\n"}
