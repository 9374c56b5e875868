"""The sections of a report that tell what the Advisor says: each way of pricing, and what to try next."""

import polars as pl

from dashboard.parts.report.content import Column, Section, Table, lowered
from dashboard.parts.report.facts import Facts
from worker.advisor.advice import COLUMNS


def ways(facts: Facts) -> Section:
    lines = [
        (
            way.name,
            head.removesuffix("s"),
            fact.claim,
            fact.text,
            fact.link.label if fact.is_measured else "not measured",
        )
        for way in facts.advice.ways
        for column, head in COLUMNS.items()
        for fact in way.cell(column)
        if fact.is_measured or way.job is not None  # of a way that was not run the sentence above says that
    ]
    columns = [
        Column("way", "Way"),
        Column("kind", "Kind"),
        Column("claim", "In general"),
        Column("text", "Here"),
        Column("source", "From"),
    ]
    frame = pl.DataFrame(lines, schema=dict.fromkeys((each.key for each in columns), pl.String), orient="row")
    said = [
        "What is said of each way in general, and what was measured on this table. Where the two don't agree, believe "
        "the measurement.",
        *(f"{way.name}: {lowered(way.about)}" for way in facts.advice.ways),
    ]
    you = [facts.advice.you.text] if facts.advice.you else []
    return Section(
        "None, prompt, RAG or fine-tune", [*said, *you, *facts.advice.notes], tables=[Table("Ways", columns, frame)]
    )


def next_steps(facts: Facts) -> Section | None:
    if not facts.advice.steps:
        return None
    lines = [(step.text, step.cost, step.expected, step.ground) for step in facts.advice.steps]
    columns = [Column("text", "Try"), Column("cost", "Takes"), Column("gain", "Gain"), Column("ground", "Why")]
    frame = pl.DataFrame(lines, schema=dict.fromkeys((each.key for each in columns), pl.String), orient="row")
    return Section("What to try next", tables=[Table("Next steps", columns, frame)])
