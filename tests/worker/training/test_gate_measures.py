"""A model that is made to forget is stopped by the gate; one that learns in moderation passes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.worker.llm.small import HEAD_FILE
from tests.worker.training import taught_model
from worker import gate_texts
from worker.evaluation.gate import UNITS, Missing, Part, judge, objection
from worker.gate_texts import Question
from worker.llm.base import Spent, Written
from worker.llm.local.adapters import CONFIG_FILE
from worker.llm.local.model import LocalModel
from worker.llm.local.quantile_head import QuantileHead
from worker.progress import Cancelled, Silent
from worker.training import gate_measures
from worker.training.gate_measures import LANGUAGE_PARTS

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> LocalModel:
    return LocalModel(str(taught_model.folder(tmp_path_factory.mktemp("knows"))), dtype=torch.float32)


def report(base: LocalModel, files: dict[str, bytes]):
    adapted = base.adapted(files)
    parts = [part.local(base, adapted, Silent()) for part in LANGUAGE_PARTS]
    return judge(parts, 0.05, 0.95)


def test_a_high_rate_over_many_epochs_on_one_category_is_stopped(base):
    files = taught_model.adapter(Path(base.folder), taught_model.listings("Lamps", 32), epochs=12, rate=1e-2)
    found = report(base, files)
    assert [finding.verdict for finding in found.findings] == ["fell", "fell"]
    sentence = objection(found)
    assert sentence is not None
    assert "neutral prose" in sentence
    assert "general questions" in sentence


@pytest.mark.parametrize("seed", range(10))
def test_no_ordinary_training_is_stopped_by_mistake(base, seed):
    files = taught_model.adapter(Path(base.folder), taught_model.listings("Lamps", 48), epochs=2, rate=5e-4, seed=seed)
    found = report(base, files)
    assert objection(found) is None
    assert found.findings[0].change != 0, "the adapter changes answers"


def test_the_trunk_of_an_adapter_that_says_quantiles_is_measured(base):
    from safetensors.torch import save

    files = taught_model.adapter(Path(base.folder), taught_model.listings("Lamps", 16), epochs=1, rate=1e-3)
    width = base.network.config.hidden_size
    beside = files | {HEAD_FILE: save(QuantileHead(width).state_dict())}
    plain, headed = base.adapted(files), base.adapted(beside)
    some = [passage.text for passage in gate_texts.prose()[:4]]
    assert np.array_equal(
        gate_measures.log_perplexities(plain, some, Silent()), gate_measures.log_perplexities(headed, some, Silent())
    )
    assert CONFIG_FILE in files


def test_perplexity_is_that_of_a_plain_pass_over_one_text_at_a_time(base):
    texts = [passage.text for passage in gate_texts.prose()[:5]]
    found = gate_measures.log_perplexities(base, texts, Silent())
    model = plain(base)
    for text, mean in zip(texts, found):
        ids = torch.tensor(base.tokenizer.ids([text]))
        assert mean == pytest.approx(float(model(input_ids=ids, labels=ids).loss), abs=1e-4)


def test_the_right_ending_is_the_one_that_a_plain_pass_finds_likeliest(base):
    """Endings of one to several tokens, of questions whose beginnings are of different lengths."""
    asked = [
        *gate_texts.questions()[:20],
        Question("The farmer said that", (" it rained on Friday", " no", " perhaps")),
    ]
    found = gate_measures.right_answers(base, asked, Silent())
    model = plain(base)
    for question, right in zip(asked, found):
        [start] = base.tokenizer.ids([question.start])
        scores = []
        for ending in base.tokenizer.ids(list(question.endings)):
            logits = model(input_ids=torch.tensor([[*start, *ending]])).logits[0].log_softmax(-1)
            scores.append(sum(float(logits[len(start) - 1 + i, token]) for i, token in enumerate(ending)))
        assert right == float(np.argmax(scores) == 0), question
    assert 0 < found.mean() < 1


def test_measuring_can_be_cancelled(base):
    class Stopped(Silent):
        def advance(self, n: int = 1) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        gate_measures.log_perplexities(base, ["One text.", "Another text."], Stopped())


def test_a_model_that_only_writes_is_asked_for_one_of_the_words():
    asked = [Question("Ice is", (" cold", " hot", " loud")), Question("We hear with our", (" ears", " eyes", " feet"))]

    class Writes(Silent):
        def __init__(self, *answers: Written) -> None:
            self.answers = list(answers)

        def write(self, prompts, max_tokens, progress, schema=None):
            assert "cold, hot, loud" in prompts[0].text
            return self.answers

    knows = Writes(Written(Spent(), "Cold."), Written(Spent(), "the ears\n"))
    forgot = Writes(Written(Spent(), "$ 12"), Written(Spent(), error="No answer."))
    part = gate_measures.choices(knows, forgot, Silent(), asked)  # type: ignore[arg-type]
    assert part.base.tolist() == [1.0, 1.0]
    assert part.adapted[0] == 0.0
    assert np.isnan(part.adapted[1])


def test_every_part_of_language_asks_more_than_a_pilot_times_and_has_words_for_readers():
    assert len({part.name for part in LANGUAGE_PARTS}) == len(LANGUAGE_PARTS)
    for part in LANGUAGE_PARTS:
        assert part.unit in UNITS
        assert 0 < part.timed < len(part.asked())
        assert str(len(part.asked())) in part.about()


def test_a_part_that_an_endpoint_cannot_be_asked_for_says_why_and_the_others_are_measured():
    class Writes:
        def write(self, prompts, max_tokens, progress, schema=None):
            return [Written(Spent(), error="No answer.") for _ in prompts]

    for part in LANGUAGE_PARTS:
        found = part.at_endpoint(Writes(), Writes(), Silent())  # type: ignore[arg-type]
        assert found.name == part.name
        if isinstance(part.endpoint, str):
            assert found == Missing(part.name, part.endpoint)
        else:
            assert isinstance(found, Part)
            assert found.unit == part.unit


def test_smollm2_knows_most_of_the_questions_and_not_all():
    """The others would hide what was forgotten: a question that the base can't answer can't be lost."""
    model = LocalModel("smollm2-135m")
    right = gate_measures.right_answers(model, gate_texts.questions()[::4], Silent())
    assert 0.75 <= right.mean() <= 0.95


def plain(base: LocalModel):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32).eval().requires_grad_(False)
