"""Hidden states are those of the library's plain pass, whatever else is in the batch."""

import numpy as np
import pytest
import torch

from tests.worker.llm.local.test_model import TEXTS, library_attention, one_by_one, prompts
from tests.worker.llm.small import a_model_folder, an_adapter
from worker.llm.base import Pooling
from worker.llm.local.model import LocalModel
from worker.progress import Cancelled, Silent

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """fp32, so that a difference is a mistake and not a rounding."""
    return LocalModel(str(a_model_folder(tmp_path_factory.mktemp("models") / "small")), dtype=torch.float32)


@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:2]], ids=["shared beginning", "too few to share"])
def test_states_are_those_of_a_plain_pass(model: LocalModel, pooling: Pooling, texts: list[str]) -> None:
    asked = prompts(texts)
    states = model.hidden_states(asked, pooling, Silent())
    for state, tokens in zip(states, model.tokenizer.prompts(asked), strict=True):
        with torch.no_grad(), library_attention(model):
            ids = torch.tensor([[*tokens.shared, *tokens.own]])
            plain = model.network.model(ids, output_hidden_states=True).hidden_states[-1][0, -len(tokens.own) :]
        wanted = plain.mean(0) if pooling == "mean" else plain[-1]
        assert state == pytest.approx(wanted.numpy(), abs=1e-4)


def test_states_depend_neither_on_order_nor_on_batch(model: LocalModel) -> None:
    asked = prompts(TEXTS)
    states = model.hidden_states(asked, "mean", Silent())
    with one_by_one(model):
        alone = model.hidden_states(asked[::-1], "mean", Silent())[::-1]
    assert alone == pytest.approx(states, abs=1e-4)


def test_an_adapter_has_states_of_its_own(model: LocalModel) -> None:
    adapted = model.adapted(an_adapter(model.network.model, 1))
    asked = prompts(TEXTS)
    assert not np.allclose(adapted.hidden_states(asked, "last", Silent()), model.hidden_states(asked, "last", Silent()))


def test_a_prompt_that_is_too_long_has_no_state_and_its_neighbour_has(model: LocalModel) -> None:
    states = model.hidden_states(prompts(["word " * 5_000, "Pencil"]), "mean", Silent())
    assert np.isnan(states[0]).all()
    assert np.isfinite(states[1]).all()


def test_cancelling_stops_at_the_next_batch(model: LocalModel) -> None:
    class Stopped(Silent):
        def advance(self, n: int = 1) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.hidden_states(prompts(TEXTS), "mean", Stopped())
