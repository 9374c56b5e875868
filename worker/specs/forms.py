"""The forms in which a fine-tune learns to say a price: one table, from which pages, trainings and cards read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """What an adapter says, and what follows from it."""

    label: str  # in a form and among an adapter's facts
    short: str  # in a table
    phrase: str  # what it learned to say, in a sentence
    card: str  # the same on a model card
    in_words: bool  # answers with the tokens of a price: they are trained on, and can be read as a text
    has_head: bool  # a head of its own beside the LoRA weights says it
    at_endpoints: bool  # a model behind an endpoint can learn it
    unread: tuple[str, ...] = ()  # readouts of LlmSpec that can't be read from it


FORMS: dict[str, Form] = {
    "tokens": Form(
        label="tokens: the price in words, read as a distribution",
        short="a price in words",
        phrase="the price in words",
        card="the price in words",
        in_words=True,
        has_head=False,
        at_endpoints=True,
    ),
    "quantiles": Form(
        label="quantiles: price and interval in one pass, no words",
        short="quantiles",
        phrase="the price's quantiles",
        card="quantiles of the price, with a head of its own",
        in_words=False,
        has_head=True,
        at_endpoints=False,
        unread=("greedy", "mode"),
    ),
}
"""Name, as TrainSpec.form and Adapter.form have it -> form; the first is what a fine-tune learns unless told else."""
