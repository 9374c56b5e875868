"""A small model of the real kind, in a folder with a real tokenizer, and adapters for it: random, made in moments.

Torch takes two seconds to import, and most tests of some files that import this one need none of it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from worker.llm.local.packages import model_folder
from worker.specs.forms import FORMS

HEAD_FILE = FORMS["quantiles"].head_file
PARTS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def a_model_folder(folder: Path, *, seed: int = 0, width: int = 32, layers: int = 3) -> Path:
    """A random Llama that reads with SmolLM2's tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    packaged = model_folder("smollm2-135m")
    folder.mkdir(parents=True)
    for file in packaged.glob("*token*"):
        shutil.copy(file, folder)
    tokens = json.loads((packaged / "config.json").read_text())
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokens["vocab_size"],
            hidden_size=width,
            intermediate_size=48,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=True,
            max_position_embeddings=4096,
            bos_token_id=tokens["bos_token_id"],
            eos_token_id=tokens["eos_token_id"],
        )
    )
    with torch.no_grad():  # random weights give near-uniform answers; these give some that are likely
        for weights in model.parameters():
            weights.mul_(3 if weights.ndim > 1 else 1)
    model.to(torch.float32).save_pretrained(folder)
    return folder


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
