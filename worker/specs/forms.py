"""The forms in which a fine-tune learns to say a price: one table, from which pages, trainings and cards read."""

from dataclasses import dataclass
from typing import Literal

FormName = Literal["tokens", "quantiles"]


@dataclass(frozen=True, slots=True)
class Form:
    """What an adapter says, and what follows from it."""

    label: str  # in a form and among an adapter's facts
    short: str  # in a table
    phrase: str  # what it learned to say, in a sentence
    card: str  # the same on a model card
    in_words: bool  # answers with the tokens of a price: they are trained on, and can be read as a text
    at_endpoints: bool  # a model behind an endpoint can learn it
    head_file: str = ""  # file of a head of its own that says it, beside the LoRA weights
    unread: tuple[str, ...] = ()  # readouts of LlmSpec that can't be read from it

    @property
    def has_head(self) -> bool:
        return bool(self.head_file)


FORMS: dict[str, Form] = {
    "tokens": Form(
        label="tokens: the price in words, read as a distribution",
        short="a price in words",
        phrase="the price in words",
        card="the price in words",
        in_words=True,
        at_endpoints=True,
    ),
    "quantiles": Form(
        label="quantiles: price and interval in one pass, no words",
        short="quantiles",
        phrase="the price's quantiles",
        card="quantiles of the price, with a head of its own",
        in_words=False,
        at_endpoints=False,
        head_file="head.safetensors",
        unread=("greedy", "mode"),
    ),
}
"""Name, as TrainSpec.form and Adapter.form have it -> form; the first is what a fine-tune learns unless told else."""

CHOICES = f"{'; '.join(form.label for form in FORMS.values())}."
"""What the forms mean, for whoever chooses one."""
