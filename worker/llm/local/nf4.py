"""A model's own weights in four bits: as NF4 of bitsandbytes, so that a large one fits a small GPU.

Source: Dettmers et al., "QLoRA: Efficient Finetuning of Quantized LLMs" (2023): NF4 with doubly quantised scales.
"""

import importlib.util
from typing import Any

import torch

from db.errors import NotReady


def loading(dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """What `from_pretrained` is told; products are computed in `dtype`. Raises NotReady without bitsandbytes."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise NotReady(
            "Weights in nf4 need the package bitsandbytes, which is not on this worker: "
            "install it there (pip install bitsandbytes), or choose other weights."
        )
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": config, "device_map": {"": device}}
