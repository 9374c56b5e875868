"""A layer on 8-bit integers is close to the one it replaces, whatever its input and its neighbours."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from db.errors import NotReady
from tests.worker.llm.tiny import network
from worker.llm.local.int8 import EightBit, is_able, to_eight_bit

pytestmark = pytest.mark.model

CPU = torch.device("cpu")

multiplies = pytest.mark.skipif(not is_able(), reason="this processor has no 8-bit products (VNNI) to check")


@multiplies
@given(st.integers(0, 99), st.sampled_from([torch.float32, torch.bfloat16]), st.floats(1e-3, 1e3), st.booleans())
@torch.inference_mode()
def test_close_to_the_exact_product(seed: int, dtype: torch.dtype, size: float, has_bias: bool) -> None:
    torch.manual_seed(seed)
    linear = torch.nn.Linear(64, 32, bias=has_bias).to(dtype)
    x = (torch.randn(2, 5, 64) * size).to(dtype)
    exact = linear(x).float()
    found = EightBit(linear)(x)
    assert found.dtype == dtype
    assert (found.float() - exact).norm() / exact.norm() < 0.03


@multiplies
@torch.inference_mode()
def test_a_token_gets_the_same_in_any_company_and_zeros_stay_zero() -> None:
    torch.manual_seed(1)
    layer = EightBit(torch.nn.Linear(64, 32, bias=False))
    x = torch.randn(6, 64)
    x[3] *= 1e4
    x[4] = 0
    together = layer(x)
    for i in range(6):
        torch.testing.assert_close(layer(x[i : i + 1]), together[i : i + 1])
    assert not together[4].any()


def test_every_layer_is_replaced_and_the_output_head_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": True})  # packing asks no processor
    net = network()
    to_eight_bit(net.model, CPU)
    kinds = [type(part) for part in net.model.modules()]
    assert kinds.count(EightBit) == 3 * 7
    assert kinds.count(torch.nn.Linear) == 1
    assert type(net.model.lm_head) is torch.nn.Linear


def test_a_machine_without_such_products_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with pytest.raises(NotReady, match="does not multiply 8-bit"):
        to_eight_bit(network().model, CPU)
