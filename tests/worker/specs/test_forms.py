"""The table of forms is whole: every form that a fine-tune can learn is in it, and what it says of one is true."""

from typing import get_args

import pytest

from worker.specs import LlmSpec, finetune
from worker.specs.data_need import CHEAP
from worker.specs.finetune import TrainSpec
from worker.specs.forms import FORMS


def test_the_table_has_exactly_the_forms_that_can_be_chosen_and_begins_with_the_usual_one() -> None:
    field = TrainSpec.model_fields["form"]
    assert list(FORMS) == list(get_args(field.annotation))
    assert next(iter(FORMS)) == field.default


@pytest.mark.parametrize("name", FORMS)
def test_every_form_has_words_for_readers_and_names_readouts_that_exist(name: str) -> None:
    form = FORMS[name]
    assert all((form.label, form.short, form.phrase, form.card))
    assert form.label.startswith(name)
    assert set(form.unread) < set(get_args(LlmSpec.model_fields["readout"].annotation))
    assert form.in_words or form.has_head, "something must say the price"


def test_a_form_is_kept_by_its_name_so_that_earlier_trainings_are_the_same_training() -> None:
    spec = finetune.parse({"form": "quantiles"})
    assert spec.model_dump(mode="json")["form"] == "quantiles"
    assert spec.says is FORMS["quantiles"]
    assert finetune.parse({}).hash == "91deb3d9268ba2d944d7241d6b2be7f6e5cce105dc70b653920dfcc785d65226"
    assert CHEAP.hash == "e7f38226363759435d621ba15ae247d0ec47aadca124b22e9450af9bd21fc9bc"
