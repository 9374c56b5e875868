"""What is trained is the same as what will be asked, and nothing else is touched."""

import pytest
import torch
from transformers import GraniteConfig, GraniteForCausalLM

from db.errors import NotReady, UserError
from tests.worker.training.small_training import a_task
from worker.llm.local.model import LocalModel
from worker.specs.price_bounds import Bounds
from worker.training.batch_plan import price_samples, text_samples
from worker.training.frozen_layers import Kept
from worker.training.lora import Learner, check_cut
from worker.training.tensors import Lower, tensors
from worker.training.validation import prompts

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(base):
    return LocalModel(str(base), dtype=torch.float32)


def some_samples(model, task):
    given = prompts(task.train)
    answers = task.spec.form == "tokens"
    prices = task.train["price"].to_list()
    return price_samples(model.tokenizer, given, prices, answers=answers, bounds=Bounds(1, 99))


@pytest.mark.parametrize("form", ["tokens", "quantiles"])
def test_the_loss_over_kept_states_is_the_loss_over_all_layers(base, model, form):
    task = a_task(base, 12, form=form)
    samples = [*some_samples(model, task), *text_samples(model.tokenizer, list(task.replay), 32)]
    upper = Learner(model.network.model, task.spec, "small").eval()
    whole = Learner(model.network.model, task.spec.model_copy(update={"layers": 0}), "small").eval()
    if form == "quantiles":
        whole.head.load_state_dict(upper.head.state_dict())
    states = Lower(model.network.model, upper.first, samples)(list(range(len(samples))))

    lost = upper(**tensors(samples, states))["loss"].item()

    assert lost == pytest.approx(whole(**tensors(samples, None))["loss"].item(), rel=1e-4)
    assert lost > 0


def test_a_model_whose_layers_cannot_be_told_apart_is_refused_in_a_sentence(base, model):
    spec = a_task(base, 12).spec
    check_cut(model.network.model, Learner(model.network.model, spec, "small"), [5, 6, 7, 8])
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
    config = GraniteConfig(
        vocab_size=64, num_key_value_heads=2, embedding_multiplier=12.0, initializer_range=0.3, **sizes
    )
    scaled = GraniteForCausalLM(config).eval()  # it multiplies what enters its first layer, and would do so twice
    with pytest.raises(UserError, match="lower layers of a granite model.*to 0, so that all do"):
        check_cut(scaled, Learner(scaled, spec, "scaled"), [5, 6, 7, 8])


def test_only_the_adapter_learns(base, model):
    task = a_task(base, 12)
    before = {name: value.clone() for name, value in model.network.model.named_parameters()}
    learner = Learner(model.network.model, task.spec, "small")
    samples = some_samples(model, task)
    learner(**tensors(samples, Lower(model.network.model, learner.first, samples)(list(range(12)))))["loss"].backward()

    assert all(value.grad is not None for value in learner.learning().values())
    assert all("lora_" in name for name in learner.learning())
    assert not any(p.requires_grad for p in model.network.model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.network.model.named_parameters())


def test_saved_memory_changes_no_gradient(base, model):
    gradients = []
    for saves in (False, True):
        task = a_task(base, 8, gradient_checkpointing=saves)
        learner = Learner(model.network.model, task.spec, "small").train()
        samples = some_samples(model, task)
        given = tensors(samples, Lower(model.network.model, learner.first, samples)(list(range(8))))
        learner(**given)["loss"].backward()
        gradients.append(torch.cat([value.grad.flatten() for value in learner.learning().values()]))

    assert gradients[0].abs().max() > 0
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)


def test_four_bit_weights_need_a_package_and_say_so(base, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotReady, match="bitsandbytes.*install it there"):
        LocalModel(str(base), precision="nf4")


def test_a_fresh_adapter_changes_no_answer(base, model):
    task = a_task(base, 12)
    asked = prompts(task.validation)
    adapted = model.adapted(Learner(model.network.model, task.spec, "small").files())

    plain, new = (each.distributions(asked, Bounds(1, 99), _silent()) for each in (model, adapted))

    assert abs(plain - new).max() < 1e-6


def test_kept_states_are_computed_once_and_found_again(tmp_path):
    asked: list[list[int]] = []

    def compute(samples):
        asked.append(samples)
        return [torch.full((i + 1, 4), float(i)) for i in samples]

    def kept(identity="one"):
        return Kept(tmp_path, identity, [1, 2, 3], 4, torch.float32, compute)

    first = kept()
    assert [float(state.mean()) for state in first.get([2, 0])] == [2.0, 0.0]
    assert [state.shape[0] for state in first.get([0, 1, 2])] == [1, 2, 3]
    assert asked == [[2, 0], [1]]
    first.flush()
    assert float(kept().get([1])[0].mean()) == 1.0
    assert asked == [[2, 0], [1]]
    kept("another").get([1])
    assert asked == [[2, 0], [1], [1]]


def _silent():
    from worker.progress import Silent

    return Silent()
