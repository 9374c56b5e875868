"""An adapter changes the answers of its own model only, without a second copy of the weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from db.errors import NotReady, UserError
from tests.worker.llm.local.test_model import ASK, OPENING, TEXTS, TOLERANCE, one_by_one, prompts
from tests.worker.llm.small import HEAD_FILE, a_model_folder, an_adapter
from worker.llm.base import LEVELS, Prompt, Readout, Spent
from worker.llm.local.model import LocalModel
from worker.llm.local.quantile_head import HEAD_LEVELS, quantile_readings
from worker.llm.local.weights_hash import base_hash
from worker.progress import Cancelled, Silent
from worker.specs.price_bounds import Bounds

pytestmark = pytest.mark.model

READOUT = Readout()
_SCORES = torch.special.ndtri(torch.tensor(HEAD_LEVELS, dtype=torch.float64)).numpy()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_model_folder(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def base(folder: Path) -> LocalModel:
    """fp32, so that a difference is a mistake and not a rounding."""
    return LocalModel(str(folder), dtype=torch.float32)


@pytest.fixture(scope="module")
def files(base: LocalModel) -> dict[str, bytes]:
    return an_adapter(base.network.model, 1)


@pytest.fixture(scope="module")
def asked() -> list[Prompt]:
    return prompts(TEXTS)


def medians(model: LocalModel, asked: list[Prompt]) -> list[float]:
    return [reading.statistics["median"] for reading in model.price(asked, READOUT, Silent())]


def test_an_adapter_changes_answers_and_leaves_the_base_s_bit_identical(base, files, asked) -> None:
    before = base.distributions(asked, Bounds(1, 999), Silent())
    adapted = base.adapted(files)
    changed = adapted.distributions(asked, Bounds(1, 999), Silent())
    assert np.abs(changed - before).sum(1).min() > 0.01
    np.testing.assert_array_equal(base.distributions(asked, Bounds(1, 999), Silent()), before)
    np.testing.assert_array_equal(adapted.distributions(asked, Bounds(1, 999), Silent()), changed)


def test_answers_are_those_that_peft_itself_would_give(base, files, folder) -> None:
    from peft import LoraConfig, inject_adapter_in_model
    from safetensors.torch import load
    from transformers import AutoModelForCausalLM

    known = LoraConfig(**json.loads(files["adapter_config.json"]))
    whole = inject_adapter_in_model(known, AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)).eval()
    with torch.no_grad():
        for name, value in load(files["adapter_model.safetensors"]).items():
            path = name.removeprefix("base_model.model.").replace(".weight", ".default.weight")
            whole.get_parameter(path).copy_(value)
    ids = base.tokenizer.ids(["Pencil" + ASK])[0]
    with torch.inference_mode():
        theirs = whole(torch.tensor([ids])).logits[0, -1]
        network = base.adapted(files).network
        last, _ = network.rows((), [tuple(ids)]).read(torch.zeros(1, 0, dtype=torch.long))
        ours = network.logits(last)[0]
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_two_adapters_side_by_side_share_every_weight_of_the_base_and_mix_nothing(base, files, asked) -> None:
    first, second = base.adapted(files), base.adapted(an_adapter(base.network.model, 2))
    there = {value.data_ptr() for value in base.network.model.state_dict().values()}
    for adapted in (first, second):
        own = [name for name, value in adapted.network.model.state_dict().items() if value.data_ptr() not in there]
        assert own
        assert all("lora_" in name for name in own)
    alone = medians(first, asked), medians(second, asked)
    assert alone[0] != alone[1]
    assert (medians(first, asked), medians(second, asked)) == alone
    assert len({base.signature, first.signature, second.signature}) == 3


def test_lora_weights_have_the_number_type_of_the_model(folder, files) -> None:
    half = LocalModel(str(folder), dtype=torch.bfloat16).adapted(files)
    assert {value.dtype for value in half.network.model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("quantiles", [False, True])
def test_order_and_company_change_nothing(base, asked, quantiles) -> None:
    model = base.adapted(an_adapter(base.network.model, 3, quantiles=quantiles))

    def answers(asked: list[Prompt]) -> np.ndarray:
        if not quantiles:
            return model.distributions(asked, Bounds(1, 999), Silent())
        return np.log([reading.quantiles for reading in model.price(asked, READOUT, Silent())])

    together = answers(asked)
    np.testing.assert_allclose(answers(asked[::-1])[::-1], together, atol=TOLERANCE)
    np.testing.assert_allclose(answers(asked[:2]), together[:2], atol=TOLERANCE)
    with one_by_one(model):
        np.testing.assert_allclose(answers(asked), together, atol=TOLERANCE)


def test_a_quantile_adapter_reads_price_and_interval_in_one_pass(base, asked) -> None:
    model = base.adapted(an_adapter(base.network.model, 4, quantiles=True))
    passes = []
    model.network.model.model.register_forward_hook(lambda *_: passes.append(1))
    found = model.price(asked[:3], Readout(bounds=Bounds(5, 150)), Silent())  # too few to share their beginning
    assert len(passes) == 1
    assert len({reading.statistics["median"] for reading in found}) == 3
    for reading in found:
        assert set(reading.statistics) == {"median", "mean", "log-mean"}
        assert len(reading.quantiles) == len(LEVELS)
        assert list(reading.quantiles) == sorted(reading.quantiles)
        assert reading.statistics["median"] == reading.quantiles[2]
        assert 5 <= reading.quantiles[0] <= reading.quantiles[-1] <= 150
        assert reading.spent.tokens_in > 0
        assert reading.spent.tokens_out == 0
        assert reading.price is None


def test_a_quantile_adapter_has_no_text_to_parse_and_says_so(base, asked) -> None:
    model = base.adapted(an_adapter(base.network.model, 4, quantiles=True))
    with pytest.raises(UserError, match="says quantiles and no text"):
        model.price(asked, Readout(greedy=True), Silent())


def test_pricing_with_a_quantile_adapter_can_be_stopped(base, asked) -> None:
    class Stop(Silent):
        def advance(self, n: int = 1) -> None:
            if n:
                raise Cancelled

    with pytest.raises(Cancelled):
        base.adapted(an_adapter(base.network.model, 4, quantiles=True)).price(asked, READOUT, Stop())


@pytest.mark.parametrize("sizes", [{"width": 64}, {"layers": 2}])
def test_an_adapter_of_a_model_with_other_layers_is_refused_in_one_sentence(base, sizes, tmp_path) -> None:
    other = LocalModel(str(a_model_folder(tmp_path / "other", **sizes)), dtype=torch.float32)
    with pytest.raises(UserError, match=r"^This adapter was made for another model than .*: its layers"):
        base.adapted(an_adapter(other.network.model, 1, layers=(0,)) if "width" in sizes else {
            **an_adapter(base.network.model, 1),
            "adapter_model.safetensors": an_adapter(other.network.model, 1, layers=(1,))["adapter_model.safetensors"],
        })  # fmt: skip


def test_an_adapter_of_other_weights_of_the_same_size_is_refused_by_their_hash(base, files, folder, tmp_path) -> None:
    other = LocalModel(str(a_model_folder(tmp_path / "other", seed=1)), dtype=torch.float32)
    assert base.adapted(files, trained_on=base_hash(folder)).signature == base.adapted(files).signature
    with pytest.raises(UserError, match="was trained on other weights than those of"):
        other.adapted(files, trained_on=base_hash(folder))


def test_a_head_of_another_width_is_refused(base, files, tmp_path) -> None:
    wide = LocalModel(str(a_model_folder(tmp_path / "wide", width=64)), dtype=torch.float32)
    head = an_adapter(wide.network.model, 1, quantiles=True)[HEAD_FILE]
    with pytest.raises(UserError, match="head was made for another model"):
        base.adapted(files | {HEAD_FILE: head})


def test_files_that_are_no_adapter_are_refused(base) -> None:
    with pytest.raises(UserError, match=r"needs the files adapter_config\.json and adapter_model\.safetensors"):
        base.adapted({"README.md": b"# Nothing"})


def test_eight_bit_arithmetic_reads_through_an_adapter_too(folder, base, files, asked) -> None:
    try:
        coarse = LocalModel(str(folder), dtype=torch.float32, precision="int8")
    except NotReady as reason:
        pytest.skip(str(reason))
    before = coarse.distributions(asked, Bounds(1, 999), Silent())
    exact = base.adapted(files).distributions(asked, Bounds(1, 999), Silent())
    found = coarse.adapted(files).distributions(asked, Bounds(1, 999), Silent())
    assert np.abs(found - exact).sum(1).mean() < np.abs(found - before).sum(1).mean() / 2
    np.testing.assert_array_equal(coarse.distributions(asked, Bounds(1, 999), Silent()), before)


def test_the_hash_of_a_base_follows_its_weights_and_not_the_library_that_wrote_it(folder, tmp_path) -> None:
    twin = a_model_folder(tmp_path / "twin")
    assert base_hash(twin) == base_hash(folder)
    config = json.loads((twin / "config.json").read_text())
    (twin / "config.json").write_text(json.dumps(config | {"transformers_version": "99.0"}))
    assert base_hash(twin) == base_hash(folder)
    (twin / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.5}))
    assert base_hash(twin) != base_hash(folder)
    assert base_hash(a_model_folder(tmp_path / "other", seed=1)) != base_hash(folder)
    with pytest.raises(NotReady, match="holds no model"):
        base_hash(tmp_path)


def test_quantiles_of_a_bell_curve_give_its_means() -> None:
    centre, spread = 3.0, 0.5
    [found] = quantile_readings((centre + spread * _SCORES)[None], 1, 100_000, [Spent()])
    assert found.statistics["median"] == pytest.approx(np.exp(centre))
    assert found.statistics["log-mean"] == pytest.approx(np.exp(centre))
    assert found.statistics["mean"] == pytest.approx(np.exp(centre + spread**2 / 2), rel=0.01)


@given(
    st.lists(st.floats(-3, 12), min_size=len(HEAD_LEVELS), max_size=len(HEAD_LEVELS)).map(sorted),
    st.integers(1, 50),
    st.integers(51, 99_999),
)
def test_every_statistic_lies_in_the_range_and_quantiles_rise(logs, low, high) -> None:
    [found] = quantile_readings(np.asarray([logs]), low, high, [Spent()])
    inside = (low * (1 - 1e-9), high * (1 + 1e-9))
    assert all(inside[0] <= value <= inside[1] for value in (*found.quantiles, *found.statistics.values()))
    assert list(found.quantiles) == sorted(found.quantiles)
    assert found.statistics["log-mean"] <= found.statistics["mean"] * (1 + 1e-9)


def test_a_long_shared_beginning_is_read_once_for_all(base, asked) -> None:
    model = base.adapted(an_adapter(base.network.model, 4, quantiles=True))
    lengths = []
    model.network.model.model.register_forward_hook(
        lambda _, __, kwargs, out: lengths.append(kwargs["input_ids"].shape), with_kwargs=True
    )
    model.price(asked, READOUT, Silent())
    shared = len(model.tokenizer.ids([OPENING])[0]) + len(model.tokenizer.first)
    assert lengths[0] == (1, shared)
    assert sum(rows for rows, _ in lengths[1:]) == len(asked)
