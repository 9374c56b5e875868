"""Layers that multiply 8-bit integers: twice bf16's speed where the processor can; answers move.

Weights get one scale per output, activations one per token, so no token's scale depends on the rest of its batch. But
sums in another order round some activations to the next step, and over many layers that grows: the same item in another
batch moved up to 9 % of its mass (SmolLM2, fp32 around it), as much as int8 itself moves. An option, never the default.
"""

from typing import Any

import torch

from db.errors import NotReady

Tensor = torch.Tensor

ZERO = 128  # activations go as unsigned bytes around this: oneDNN is fast for unsigned times signed only
TINY = 1e-12
MOST = 126  # not 127: a token's scale is itself rounded, and one step above 127 a byte would turn negative


class EightBit(torch.nn.Module):
    """A linear layer on 8-bit integers; reads and returns the number type of the one it replaces."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.data.float()
        self.dtype = linear.weight.dtype
        self.scale = weight.abs().amax(1).clamp_min_(TINY).div_(127)
        whole = (weight / self.scale[:, None]).round_().to(torch.int8)
        self.outputs, self.inputs = whole.shape
        self.packed = torch.ops.onednn.qlinear_prepack(whole, None)
        self.zeros = torch.zeros(self.outputs, dtype=torch.int64)
        self.bias = None if linear.bias is None else linear.bias.data

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        scale = rows.abs().amax(1, keepdim=True).clamp_min_(TINY).div_(MOST)
        whole = rows.div(scale).round_().to(torch.int8).view(torch.uint8).bitwise_xor_(ZERO)
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            whole, 1.0, ZERO, self.packed, self.scale, self.zeros, None, 1.0, 0, self.dtype, "none", [], ""
        )
        out = out.mul_(scale).view(*x.shape[:-1], self.outputs)
        return out if self.bias is None else out + self.bias


def is_able() -> bool:
    """Whether this processor adds products of bytes in 32 bits. The others do it in 16, which overflow: the answers
    would not only be slow but wrong (seen on AVX2: 17 % off)."""
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("avx512_vnni", "avx_vnni", "amx_int8"))


def to_eight_bit(model: Any, device: torch.device) -> None:
    """Replace the linear layers between embedding and output head, in place. Raises NotReady on other machines."""
    if device.type != "cpu" or not is_able():
        raise NotReady("This machine does not multiply 8-bit integers fast; use the model without that option.")
    linears = [(name, part) for name, part in model.model.named_modules() if type(part) is torch.nn.Linear]
    for name, linear in linears:
        parent, _, own = name.rpartition(".")
        setattr(model.model.get_submodule(parent), own, EightBit(linear))
