"""The table of heads is whole, and every head in it begins, learns, is kept and is read as trainings and models ask."""

import pytest
import torch
from safetensors.torch import save

from worker.llm.base import LEVELS, Readout, Spent
from worker.llm.local.adapters import CONFIG_FILE, WEIGHTS_FILE, adapter_hash
from worker.llm.local.heads import HEADS, form_of, head
from worker.specs.forms import FORMS
from worker.specs.price_bounds import Bounds

pytestmark = pytest.mark.slow  # torch
WIDTH = 8
PRICES = torch.linspace(1.0, 6.0, 100)


def hidden(rows: int) -> torch.Tensor:
    return torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(1))


def test_every_form_with_a_head_has_one_in_the_table_and_a_file_of_its_own() -> None:
    headed = {name: form.head_file for name, form in FORMS.items() if form.has_head}
    assert set(HEADS) == set(headed)
    assert len(set(headed.values())) == len(headed)
    assert not {CONFIG_FILE, WEIGHTS_FILE} & set(headed.values())


@pytest.mark.parametrize("form", HEADS)
def test_a_head_starts_learns_and_reads_the_same_after_it_was_kept(form: str) -> None:
    fresh = HEADS[form](WIDTH)
    assert fresh.width == WIDTH
    fresh.start(PRICES)
    fresh.loss(hidden(3), PRICES[:3]).backward()
    assert any(p.grad is not None and bool(p.grad.any()) for p in fresh.parameters())
    files = {FORMS[form].head_file: save(fresh.state_dict())}
    kept = head(files)
    assert form_of(files) == form
    assert kept is not None
    assert kept.width == WIDTH
    readout, spent = Readout(bounds=Bounds(2, 50)), [Spent()] * 3
    with torch.inference_mode():
        found = kept.readings(hidden(3), readout, spent)
        assert found == fresh.eval().readings(hidden(3), readout, spent)
    for reading in found:
        assert 2 <= reading.statistics["median"] <= 50
        assert len(reading.quantiles) == len(LEVELS)


def test_the_hash_of_an_adapter_is_that_of_its_weights_and_its_head_and_of_nothing_else() -> None:
    """Fixed, for estimates are kept under it: those of adapters made earlier must be found again."""
    plain = {CONFIG_FILE: b"{}", WEIGHTS_FILE: b"weights"}
    headed = plain | {FORMS["quantiles"].head_file: b"head"}
    assert adapter_hash(plain) == PLAIN_HASH
    assert adapter_hash(headed) == HEADED_HASH
    assert adapter_hash(headed | {"README.md": b"# A card"}) == adapter_hash(headed)


PLAIN_HASH = "9fff09e281b81b8d5090761b45a2efd95921bb606c6fd28490ddcdbbade5956a"
HEADED_HASH = "0dfb6f880d10af58b7dc886f742a89532047909a594abed3411d7f0cbbe48691"
