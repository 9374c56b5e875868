"""The models that a process keeps: as many as fit, the one used longest ago goes first, one at work is never loaded
twice."""

import weakref
from dataclasses import dataclass
from typing import Any

import pytest

from db.settings import settings
from worker import resources
from worker.llm.local import model as local

pytestmark = pytest.mark.model


@pytest.fixture
def room(monkeypatch):
    """Says how many GB models may take."""

    def take(gigabytes):
        monkeypatch.setenv("PRICEWRIGHT_LOCAL_MODELS_GB", str(gigabytes))
        settings.cache_clear()

    resources.release()
    yield take
    resources.release()
    settings.cache_clear()


@dataclass(eq=False)
class Weights:
    """A model that has nothing but a size."""

    name: str
    precision: str
    size: int = 10**9

    def adapted(self, files, *, trained_on):
        return Weights(f"{self.name}+", self.precision)


@pytest.fixture
def light(monkeypatch):
    monkeypatch.setattr(local, "LocalModel", Weights)
    monkeypatch.setattr(local, "weights_size", lambda name: 10**9)


def kept():
    return [name for name, _ in resources._models]


def test_the_one_used_longest_ago_goes(room, light):
    room(2.5)
    for name in "abac":
        resources.local_model(name, "auto")
    assert kept() == ["a", "c"]


def test_the_last_stays_however_large_it_is(room, light):
    room(0.5)
    assert resources.local_model("a", "auto") is resources.local_model("a", "auto")
    assert kept() == ["a"]


def test_one_that_a_technique_holds_is_not_loaded_again(room, light):
    room(1.5)
    held = resources.local_model("a", "auto")
    resources.local_model("b", "auto")
    assert kept() == ["b"]
    assert resources.local_model("a", "auto") is held


def test_what_holds_a_model_goes_with_it(room, light):
    room(1.5)
    resources.local_model("a", "auto")
    adapted: Any = Weights("a+", "auto")
    technique: Any = object()
    resources._adapted["id", "a", "auto"] = resources._adapted["id", "b", "auto"] = adapted
    resources._fitted["hash", 1] = technique
    resources.local_model("b", "auto")
    assert list(resources._adapted) == [("id", "b", "auto")]
    assert not resources._fitted


def test_of_both_packaged_models_the_first_is_given_back(room):
    room(0.6)
    first = weakref.ref(resources.local_model("smollm2-135m", "auto").network.model)
    second = resources.local_model("gemma3-270m", "auto")
    assert first() is None
    assert kept() == ["gemma3-270m"]
    assert second.size >= 0.5e9
