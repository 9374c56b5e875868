"""The table of techniques: what is in it, the hashes of stored jobs, what is told of a module that can't be read."""

import subprocess
import sys
from pathlib import Path

import pytest

from db.errors import UserError
from worker import specs
from worker.specs.base import BaseSpec

HASHES = {
    "constant": "0810f8c5a17e1fd822fd5a6d7a3a01a25b879a531c43e0ccdeaabb5f5ec51745",
    "ridge": "adc93267fb551e6403e4ddfd7953a2a05ff548d623ca028184908e082fe1c6da",
    "lightgbm": "e2da9d04ee8957854686fe3a889aef3f2235f62806a35765b6a190c340b6d66a",
    "sparse-mlp": "0b364282780b90752809d95b59d3672ce77cbcae002b7086d69bc48ac6879da2",
    "tabm": "5b0ccf45e8d957115b949563da8511c99c335b6ad38ba886ee81e690a0434b6f",
    "neighbours": "04daaa0f845dc30620ec03645a1f1d052405a1dec2299e56182e594909f38e2a",
    "zero-shot": "0bf9b91851a976178d3607a9626407930f393b93293de088af2dafb358596f17",
    "multi-shot": "08528ab31487070063bb80a7cd118ae14cedf3643adc0f8d014aa86bea673a69",
    "chained": "81a6dbeaf338efeeb8bf42ec8c029e1eaf24de7f923f278e5d33e3e44f0e1800",
    "tools": "1614a30710b61e12f9d9fe02608604953154a75c265453356d99e0380690e988",
    "rag": "3a3beb2f0e75b721f275365af83ff739005cc4d134b6fb1cf11c921e27688cc6",
    "finetuned": "684a820685c68a16cc3174196f00145f375ade0e0d9d051fe5870c8ae9c3b637",
    "hidden-boosting": "32b7866919b67ef865def38990b684afcf9bdeb0380fd57c9d62487dbd374dd3",
    "ensemble": "416daf453b016a670c93453194f46f835e9478017bb5d9815f315a68a9443198",
    "cascade": "0afe85575d2168e93d9b676bcb102e434a622204dcbd5f7e43ff472f32d0d997",
}
"""Of the default specs, as installations have stored them with their jobs and fits."""


def a_module(name: str = "own", *, leave_out: str = "") -> str:
    facts = {
        "made_by": '"own_prices:Own"',
        "family": "Family.BASELINE",
        "label": '"Own"',
        "about": '"Own."',
        "seconds": "Seconds(0.001)",
        "chunk_items": "100",
        f"technique: Literal[{name!r}]": repr(name),
    }
    lines = [f"    {fact} = {value}" for fact, value in facts.items() if fact != leave_out]
    head = "from typing import Literal\nfrom db.types import Family\nfrom worker.specs import BaseSpec, Seconds\n"
    return head + "\n\nclass OwnSpec(BaseSpec):\n" + "\n".join(lines) + "\n"


def test_a_default_spec_is_the_same_job_as_ever() -> None:
    assert {name: kind().hash for name, kind in specs.SPECS.items()} == HASHES
    assert list(specs.SPECS) == list(HASHES)  # the order that people see
    changed = specs.RagSpec(k=3, model="a:b", min_similarity=0.5).hash
    assert changed == "be24fb9750829424e9cac208eae155a4567c5dc2c3b69e1f2cec334380fd2947"
    tuned = specs.FinetunedSpec(adapter="abc", k=2).hash
    assert tuned == "58f1335b8b51c560c95ebce508a95c36f3b0817baba2bdd16612fefd77eabd51"


def test_no_technique_is_loaded_to_be_listed_and_described() -> None:
    script = (
        "import sys; from worker import specs; told = [specs.describe(each) for each in specs.variants()]; "
        "print(*(name for name in sys.modules if name.startswith(('worker.techniques', 'torch', 'sklearn'))))"
    )
    listed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert listed.stdout.strip() == ""


def test_what_is_tried_first_needs_no_endpoint_and_no_long_wait() -> None:
    names = ["constant", "ridge", "lightgbm", "neighbours", "zero-shot", "multi-shot", "rag", "ensemble", "cascade"]
    assert [spec.technique for spec in specs.defaults()] == names
    told = [specs.describe(spec) for spec in specs.variants()]
    assert told[6:10] == [
        "Prompt, no examples",
        "Prompt, no examples (smollm2-135m)",
        "Prompt, no examples (readout=greedy)",
        "Prompt, no examples (smollm2-135m, readout=greedy)",
    ]
    assert len(told) == len(set(told)) == 20


@pytest.mark.parametrize("kind", specs.SPECS.values(), ids=specs.SPECS)
def test_every_fact_about_fields_names_fields(kind: type[BaseSpec]) -> None:
    assert {*kind.rare, *kind.filled} <= set(kind.model_fields)
    assert not kind.k_counts or "k" in specs.asked_fields(kind)
    assert "adapter" in kind.model_fields or not kind.needs_adapter
    assert kind.uses_llm or not issubclass(kind, specs.LlmSpec)


def test_a_combination_is_another_job_when_a_member_is() -> None:
    ridge, near = specs.RidgeSpec(), specs.NeighboursSpec()
    first = specs.EnsembleSpec(members=(ridge, near))
    assert specs.parse(first.model_dump(mode="json")) == first
    assert first.hash != specs.EnsembleSpec(members=(ridge, specs.NeighboursSpec(k=3))).hash
    # What a member's fit keeps is read differently one day: then the combination is fitted anew, too.
    assert ridge.fit_key in first.fit_key
    assert near.fit_key in first.fit_key
    assert specs.describe(first) == "Ensemble (Ridge on words + Nearest neighbours)"
    assert specs.describe(specs.EnsembleSpec()) == "Ensemble"


def test_a_technique_of_your_own_comes_last(own: Path) -> None:
    (own / "own_prices.py").write_text(a_module())
    assert list(specs.SPECS) == [*HASHES, "own"]
    assert specs.parse({"technique": "own"}).label == "Own"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (a_module("ridge"), "own_prices: there is a technique 'ridge' already; give yours another name."),
        (a_module(leave_out="label"), "own_prices: OwnSpec lacks label."),
        ("def broken(:", "PRICEWRIGHT_TECHNIQUES names the module own_prices, which can't be imported"),
        (None, "correct it, or put its folder on PYTHONPATH."),
    ],
    ids=["name taken", "fact missing", "broken", "not there"],
)
def test_a_module_that_can_t_be_used_is_told_in_a_sentence(own: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (own / "own_prices.py").write_text(text)
    with pytest.raises(UserError, match=".") as caught:
        list(specs.SPECS)
    assert sentence in str(caught.value)


def test_a_wrong_value_names_its_field() -> None:
    with pytest.raises(UserError, match=r"^k: Input should be greater than or equal to 0\.$"):
        specs.parse({"technique": "rag", "k": -1})
    with pytest.raises(UserError, match=r"^There is no technique 'magic'; choose one of constant, ridge, "):
        specs.parse({"technique": "magic"})
