"""Does a quantile head begin where it should, and count from what an item's neighbours stand for?"""

import math

import numpy as np
import pytest
import torch

from worker.llm.heads import HEAD_LEVELS, QuantileHead, pinball

MIDDLE = HEAD_LEVELS.index(0.5)
NONE = torch.full((300,), math.nan)


@pytest.fixture
def prices() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).normal(3.0, 1.0, 300)).float()


def hidden(rows: int) -> torch.Tensor:
    return torch.randn(rows, 8, generator=torch.Generator().manual_seed(1))


def test_untrained_it_says_the_quantiles_of_all_prices_whatever_it_reads(prices: torch.Tensor) -> None:
    head = QuantileHead(8)
    head.start(prices, NONE)
    wanted = torch.quantile(prices, torch.tensor(HEAD_LEVELS))
    for said in head(hidden(4), NONE[:4]):
        assert said.tolist() == pytest.approx(wanted.tolist(), abs=1e-3)


def test_untrained_it_says_what_the_neighbours_stand_for_with_their_usual_error(prices: torch.Tensor) -> None:
    head = QuantileHead(8)
    error = torch.from_numpy(np.random.default_rng(6).normal(0.1, 0.3, 300)).float()
    head.start(prices, prices - error)
    wanted = torch.quantile(error, torch.tensor(HEAD_LEVELS))
    said = head(hidden(2), torch.tensor([2.0, 5.0]))
    assert said[0].tolist() == pytest.approx((2.0 + wanted).tolist(), abs=1e-3)
    assert said[1].tolist() == pytest.approx((5.0 + wanted).tolist(), abs=1e-3)
    assert pinball(said[:1], torch.tensor([2.0 + wanted[MIDDLE]])) < pinball(said[:1], torch.tensor([4.0]))


def test_an_item_without_neighbours_counts_from_the_usual_price(prices: torch.Tensor) -> None:
    head = QuantileHead(8)
    head.start(prices, prices - 0.5)
    alone, beside = head(hidden(1).repeat(2, 1), torch.tensor([math.nan, float(prices.median())]))
    assert torch.equal(alone, beside)


def test_what_was_saved_says_the_same(prices: torch.Tensor) -> None:
    head = QuantileHead(8)
    head.start(prices, NONE)
    torch.nn.init.normal_(head.out.weight)
    anchors = torch.tensor([math.nan, 1.0, 4.0])
    assert torch.equal(QuantileHead.of(head.state_dict())(hidden(3), anchors), head.eval()(hidden(3), anchors))
