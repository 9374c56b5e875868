"""The device and number type of models on this machine; looked for when one is loaded, never at import."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def pick_device(wish: str) -> "torch.device":
    """The device to run on: `auto` takes the first GPU there is, else the CPU."""
    import torch

    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wish)


def pick_dtype(device: "torch.device") -> "torch.dtype":
    """The number type: bf16 where the hardware multiplies it; elsewhere it would be emulated, several times slower
    than fp32."""
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    able = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if able else torch.float32


def quiet() -> None:
    """Silences the library's progress bars: long work shows its own."""
    from transformers.utils import logging

    logging.disable_progress_bar()
