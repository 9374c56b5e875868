"""The table of ways: what is said in general of prompting, RAG, fine-tuning and none, with what was measured of it.

Which claim stands in which column is what courses on language models teach; whether it holds here is what the figures
below it say.
"""

from db.types import Family
from worker.advisor.advice import Fact, Way
from worker.advisor.evidence import FAMILIES, Evidence
from worker.advisor.facts import Facts

NAMES = {
    Family.PROMPT: "Prompting",
    Family.RAG: "RAG",
    Family.FINETUNE: "Fine-tuning",
    Family.BASELINE: "No language model",
}


def ways(evidence: Evidence) -> tuple[Way, ...]:
    """A line for each family, in the order of FAMILIES."""
    return tuple(_way(evidence, family) for family in FAMILIES)


def _way(evidence: Evidence, family: Family) -> Way:
    facts = Facts(evidence, family)
    advantages: tuple[Fact, ...]
    disadvantages: tuple[Fact, ...]
    match family:
        case Family.PROMPT:
            advantages = (
                facts.time("Quick to try: nothing is trained"),
                facts.cost("Cheap to try"),
                facts.labelled("Needs hardly any prices of your own"),
            )
            disadvantages = (
                facts.context("More examples soon stop paying", "multi-shot"),
                facts.per_1000("Every item costs tokens"),
                facts.latency("Every item waits for the model"),
                facts.hardest("Weak where general knowledge does not help"),
            )
            when = (facts.error("As a start: anything dearer has to beat it"),)
        case Family.RAG:
            advantages = (
                facts.freshness("New prices count at once, without training"),
                facts.time("Quicker to set up than a training"),
                facts.cost("Cheaper to set up than a training"),
            )
            disadvantages = (
                facts.labelled("Needs known prices of similar products"),
                facts.context("More neighbours only lengthen the prompt", "rag"),
                facts.per_1000("Every item costs the tokens of its neighbours, too"),
                facts.latency("Searches before it asks"),
                facts.hardest("No better than the neighbours that it finds"),
            )
            when = (facts.error("With known prices that change often"),)
        case Family.FINETUNE:
            advantages = (
                facts.per_1000("Short prompts, so an item is cheap"),
                facts.latency("Short prompts, so an item is quick"),
            )
            disadvantages = (
                facts.data_need("Needs many priced rows"),
                facts.time("Training takes long"),
                facts.cost("Training is paid before the first price"),
                facts.forgetting("Forgets what the model knew before"),
                facts.frozen("Knows no price that came after its training"),
                facts.hardest("Weak on products unlike those that it learned from"),
            )
            when = (facts.error("With many priced rows, many items to price, and prices that stay"),)
        case _:
            advantages = (
                facts.time("Quick to try"),
                facts.cost("Costs next to nothing to try"),
                facts.per_1000("Costs next to nothing for each item"),
                facts.latency("Answers at once"),
            )
            disadvantages = (
                facts.labelled("Knows nothing but your own priced rows"),
                facts.hardest("Weak on products unlike those that it learned from"),
            )
            when = (facts.error("Where it is as good: then no language model is needed"),)
    return Way(family, NAMES[family], _about(evidence, family), facts.job, advantages, disadvantages, when)


def _about(evidence: Evidence, family: Family) -> str:
    job_id, count = evidence.heads.get(family), evidence.counts[family]
    if job_id is None:
        return "Nothing of this kind was run on this table yet."
    name = f"{evidence.names[job_id]} (job {job_id})"
    return f"{name}, the one of {count} with the least error." if count > 1 else f"{name}, the only one that was run."
