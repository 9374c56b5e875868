"""A quantile head begins where it should, and says the same after it was saved."""

import numpy as np
import pytest
import torch

from worker.llm.local.quantile_head import HEAD_LEVELS, QuantileHead, pinball

pytestmark = pytest.mark.model

MIDDLE = HEAD_LEVELS.index(0.5)


@pytest.fixture
def head() -> QuantileHead:
    head = QuantileHead(8)
    head.start(PRICES)
    return head


PRICES = torch.from_numpy(np.random.default_rng(5).normal(3.0, 1.0, 300)).float()


def hidden(rows: int) -> torch.Tensor:
    return torch.randn(rows, 8, generator=torch.Generator().manual_seed(1))


def test_untrained_it_says_the_quantiles_of_all_prices_whatever_it_reads(head: QuantileHead) -> None:
    wanted = torch.quantile(PRICES, torch.tensor(HEAD_LEVELS))
    for said in head(hidden(4)):
        assert said.tolist() == pytest.approx(wanted.tolist(), abs=1e-3)


def test_the_loss_is_least_where_the_median_is_met(head: QuantileHead) -> None:
    said = head(hidden(1))
    middle = said[0, MIDDLE]
    assert pinball(said, middle[None]) < min(pinball(said, middle[None] + off) for off in (-0.5, 0.5))


def test_what_was_saved_says_the_same(head: QuantileHead) -> None:
    torch.nn.init.normal_(head.out.weight)
    assert torch.equal(QuantileHead.of(head.state_dict())(hidden(3)), head.eval()(hidden(3)))
