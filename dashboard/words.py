"""What do people read: names, units, explanations and formats of figures. The words are those of the glossary."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from dashboard.escaping import md as md
from dashboard.escaping import plain as plain
from db.errors import UserError
from db.types import Adapter, Dataset, DatasetState, Family, Job, JobKind, JobState, Split, Step
from worker import amounts, specs
from worker.datasets.answers import Sign
from worker.evaluation import resampling
from worker.evaluation.compare import Measure
from worker.specs import finetune

NOTHING = "–"
UNKNOWN = "unknown"
SOON_DAYS = 120
"""A model that is shut down within this many days is warned about."""

FAMILIES: dict[str, str] = {
    Family.BASELINE: "Baseline, no language model",
    Family.PROMPT: "Prompted language model",
    Family.RAG: "Language model with neighbours",
    Family.FINETUNE: "Fine-tuned language model",
    Family.ENSEMBLE: "Ensemble",
    Family.CASCADE: "Cascade",
}

FIELDS: dict[str, str] = {
    "title": "Title (needed)",
    "description": "Description",
    "category": "Category",
    "brand": "Brand",
    "price": "Price in $",
    "id": "Your own id",
}

SIGNS: dict[Sign | None, str] = {
    None: "as detected",
    Sign.POINT: "point: 1,234.56",
    Sign.COMMA: "comma: 1.234,56",
}

SPLITS: dict[str, tuple[str, str]] = {
    Split.TRAIN: ("Train", "Techniques learn from these prices."),
    Split.VALIDATION: ("Validation", "Techniques tune themselves on these prices."),
    Split.TEST: ("Test", "Kept hidden; every error on the Trade-offs page is measured here."),
    Split.UNPRICED: ("No price", "The file has no price for these: they are what can be priced."),
}

STEPS: dict[str, str] = {
    Step.INSPECT: "Looking at the file",
    Step.LOAD: "Loading rows",
    Step.SEARCH: "Searching",
    Step.INDEX: "Embedding what changed",
    Step.PILOT: "Timing a few steps",
    Step.TRAIN: "Training",
    Step.GUARD: "Measuring what it forgot",
    Step.RUNG: "Training on growing parts",
    Step.FORECAST: "Reckoning what more rows would bring",
    Step.FIT: "Learning from the train rows",
    Step.PRICE: "Pricing",
    Step.EVALUATE: "Measuring",
}

FORMS: dict[str, str] = {
    "tokens": "tokens: the price in words, read as a distribution",
    "quantiles": "quantiles: price and interval in one pass, no words",
}
"""What a fine-tune learns to say."""

CHOICES: dict[str, str] = {
    "none": "as they are",
    "nf4": "4 bits (nf4): a quarter of the memory",
    "int8": "8 bits (int8): faster where the processor can",
    "all-linear": "all of them",
    "attention": "attention only",
    "linear": "falls in a line",
    "cosine": "falls in a curve (cosine)",
    "constant": "stays",
    "mae": "mean error",
    "median_relative_error": "median error",
    "loss": "loss",
}
"""Value of a setting -> what a reader calls it, where the value does not say it."""

STATES: dict[str, tuple[str, Literal["blue", "gray", "green", "red", "orange"], str]] = {
    JobState.RUNNING: ("Running", "blue", ":material/play_arrow:"),
    JobState.PAUSED: ("Paused", "orange", ":material/pause:"),
    JobState.DONE: ("Done", "green", ":material/check:"),
    JobState.FAILED: ("Failed", "red", ":material/error:"),
    JobState.CANCELLED: ("Cancelled", "gray", ":material/cancel:"),
}
"""Job state -> what to call it, the colour and the icon of its badge."""

DATASET_STATES: dict[str, str] = {
    DatasetState.UPLOADED: "being looked at",
    DatasetState.INSPECTED: "waits for its columns",
    DatasetState.LOADING: "being loaded",
    DatasetState.READY: "ready",
    DatasetState.FAILED: "could not be read",
}

SYNTHETIC = "This catalogue is synthetic: a seeded generator made its products and prices. No shop sells them."


@dataclass(frozen=True)
class Error:
    """A way to say how wrong a technique is."""

    key: Measure
    label: str  # on axes and selectors
    short: str  # in a table's head
    about: str
    is_share: bool
    lower_is_better: bool = True

    def format(self, value: float | None) -> str:
        if value is None:
            return NOTHING
        if self.is_share:
            return f"{value:.0%}"
        if self.key != "mae":
            return f"{value:.3f}"
        return amounts.usd(value)


ERRORS: dict[str, Error] = {
    error.key: error
    for error in (
        Error("mae", "Mean error ($)", "Mean error", "How many dollars a guess is off, on average (MAE).", False),
        Error(
            "median_ape",
            "Median error (% of the price)",
            "Median error",
            "Half of the guesses are closer than this share of the true price; dear items don't dominate.",
            True,
        ),
        Error(
            "rmsle",
            "Log error (RMSLE)",
            "RMSLE",
            "Root mean squared error of log prices: twice and half the price weigh the same.",
            False,
        ),
        Error(
            "within", "Within 20 % of the price", "Within 20 %", "Share of guesses that are good enough.", True, False
        ),
    )
}


def usd(value: float | Decimal | None) -> str:
    """Dollars as worker.amounts.usd writes them; NOTHING where there are none."""
    return NOTHING if value is None else amounts.usd(value)


def known_usd(value: float | Decimal | None) -> str:
    """Dollars, or "unknown": of paid calls whose price nobody told. Never 0."""
    return UNKNOWN if value is None or value != value else usd(value)


def money(paid: float | Decimal | None, saved: float | Decimal | None, *, unknown: bool = False) -> str:
    """$0.0012 paid, $0.0300 saved. `unknown`: some of it has no known price."""
    said = f"{UNKNOWN if unknown and not paid else known_usd(paid)} paid"
    if unknown and paid:
        said = f"at least {said}"
    return f"{said}, {usd(saved)} saved" if saved else said


def tokens(number: float) -> str:
    """850, 12.4k, 3.1M: as prices are told, in thousands and millions."""
    if number < 1_000:
        return f"{number:.0f}"
    return f"{number / 1e3:.3g}k" if number < 999_500 else f"{number / 1e6:.3g}M"


def model_name(ref: str) -> str:
    """Of a model as specs name it: "gpt-5 · on openai"; of a folder its last part."""
    endpoint, _, name = ref.partition(":")
    return f"{name} · on {endpoint}" if specs.is_hosted(ref) else specs.model_name(ref)


def prompt_name(ref: str) -> str:
    """Of a prompt as specs name it: "listing, version 2"."""
    name, _, version = ref.partition("@")
    if ref == "auto":
        return "auto: fits the kind of model"
    return f"{name}, version {version}" if version else f"{name}, newest version"


def shutdown(name: str, date_text: str | None, today: date) -> str | None:
    """A warning about a model that ends soon or has ended; None when that is far or nobody said when."""
    if not date_text:
        return None
    days = (date.fromisoformat(date_text[:10]) - today).days
    if days < 0:
        return f"{name} was shut down on {date_text[:10]}: calls will fail; choose another model."
    if days <= SOON_DAYS:
        return f"{name} will be shut down on {date_text[:10]}, in {count(days, 'day')}: do not build on it."
    return None


def duration(seconds: float | None) -> str:
    """As people say it: 40 ms, 3.2 s, 2 min 5 s, 1 h 20 min."""
    if seconds is None:
        return NOTHING
    if seconds < 0.001:
        return "under 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def ago(when: datetime | None) -> str:
    if when is None:
        return "never"
    return f"{duration(max(1.0, (datetime.now(UTC) - when).total_seconds()))} ago"


def speed(per_second: float | None) -> str:
    if per_second is None:
        return NOTHING
    return f"{per_second:,.0f} rows/s" if per_second >= 10 else f"{per_second:.1f} rows/s"


def count(number: int, one: str, many: str | None = None) -> str:
    """1 row, 2,400 rows."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list[str]) -> str:
    """A, B and C."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def job_name(job: Job, form: str = "") -> str:
    """The technique with the settings that differ from its defaults, or what else the job does, and with what.

    `form`: what the adapter that it prices with learned to say, where that is known.
    """
    if job.kind is JobKind.INDEX:
        return index_name(job)
    if job.kind in TRAININGS:
        return training_name(job)
    try:
        return specs.describe(specs.parse(job.spec), form)
    except UserError:  # stored by an earlier version, whose technique had other settings
        known = specs.SPECS.get(job.technique)
        return f"{known.label if known else job.technique} (earlier version)"


TRAININGS: dict[str, str] = {
    JobKind.FINETUNE: "Fine-tune",
    JobKind.PILOT: "Timing of a fine-tune",
    JobKind.GUARD: "What an adapter forgot",
    JobKind.DATA_NEED: "How much data is needed",
}
"""Kind of a job that trains -> what it does."""


def training_name(job: Job) -> str:
    """What it does, with the settings that differ from the quick preset: "Fine-tune (quantiles, rows=2000)"."""
    try:
        settings = finetune.describe(finetune.parse(job.spec["train"])) if "train" in job.spec else ""
    except UserError:  # stored by an earlier version
        settings = "earlier version"
    return f"{TRAININGS[job.kind]} ({settings})" if settings else TRAININGS[job.kind]


def measurement(metrics: dict[str, Any]) -> str:
    """What validation rows said of an adapter: "mean error $9.50, median error 25%, 100% with a price, loss 1.25"."""
    forms = {
        "median_relative_error": "median error {:.0%}",
        "parse_rate": "{:.0%} of answers with a price",
        "loss": "loss {:.4g}",
    }
    error = metrics.get("mae")
    told = [] if error is None else [f"mean error {amounts.usd(error)}"]
    told += [form.format(metrics[name]) for name, form in forms.items() if metrics.get(name) is not None]
    return ", ".join(told) or "nothing could be measured"


def before(metrics: dict[str, Any]) -> str:
    """What the error was before training: " (mean error before training $12.00)"; "" where nobody knows."""
    untrained = metrics.get("untrained_mae")
    return "" if untrained is None else f" (mean error before training {amounts.usd(untrained)})"


def brought_nothing(metrics: dict[str, Any]) -> bool:
    """Whether an adapter's mean error on validation rows is no lower than the model's was before training."""
    error, untrained = metrics.get("mae"), metrics.get("untrained_mae")
    return error is not None and untrained is not None and error >= untrained


def adapter_name(adapter: Adapter) -> str:
    """What it is for, what it was made of, how good it is, whether somebody relies on it; its number last."""
    error = adapter.metrics.get("mae")
    good = [] if error is None else [f"mean error {amounts.usd(error)}"]
    made = f"{model_name(adapter.base)}, {adapter.form}"
    return " · ".join([adapter.task, made, *good, str(adapter.state), adapter.id[:8]])


def technique(name: str) -> str:
    """Label of a technique that may be unknown to this version."""
    return specs.SPECS[name].label if name in specs.SPECS else name


def index_name(job: Job) -> str:
    """What an index job is for."""
    if job.spec.get("changes"):
        verb = "removals" if job.spec["changes"].get("removes") else "changes"
        return f"Knowledge base: {verb} from {job.spec['changes']['name']}"
    if job.spec.get("reference"):
        return f"Knowledge base: dataset {job.spec['reference']} as reference"
    return "Knowledge base: scheduled refresh" if job.spec.get("scheduled") else "Knowledge base: refresh"


def is_paid(job: Job) -> bool:
    """Whether an endpoint charges for its answers; else it is the machine's time that costs."""
    return specs.is_hosted(str(job.spec.get("model", "")))


def family(technique: str) -> str:
    """Of a technique that may be unknown to this version."""
    return str(specs.SPECS[technique].family) if technique in specs.SPECS else ""


def dataset_name(dataset: Dataset) -> str:
    """Name, size and what to know at a glance."""
    marks = [count(dataset.items, "item")] if dataset.state is DatasetState.READY else [DATASET_STATES[dataset.state]]
    return " · ".join([dataset.name, *marks, *(["synthetic"] if dataset.is_synthetic else [])])


VERDICTS = {
    "best": "best",
    "ahead": "ahead, not surely",
    "tie": "tied with the one ahead",
    "worse": "worse",
    "partial": "nearer, but on too few answers",
    "too few rows": "too few rows",
}
"""What worker.evaluation.compare says of a job."""


def verdict(table: pl.DataFrame, labels: dict[int, str], error: Error) -> str:
    """A few sentences in Markdown: which job is ahead, whether it is surely best, which can't be told apart from it,
    and which of those is cheapest.

    `table` is worker.evaluation.compare.table, judged by the same error; labels: job id -> name, as
    `plain` gives it.
    """
    answered = table.drop_nulls("verdict")
    if answered.is_empty():
        return "Nothing can be said yet: no job has a readable answer for a test row with a known price."
    lead = answered.row(0, named=True)
    if lead["verdict"] == "too few rows":
        return _too_few(lead["n"])
    rest = answered.tail(-1)
    name = f"**{labels[lead['job_id']]}**"
    short = error.short.lower()
    figure = f"{error.format(lead[error.key])} (95 % interval {reach(lead, error.key, error)})"
    if rest.is_empty():
        alone = "Run a second technique to have something to compare it with"
        return f"{name}: {figure} {short}. {'The others answered nothing that it did' if len(table) > 1 else alone}."
    if lead["verdict"] == "best":
        start = f"{name} is best on {short}: {figure}"
        return f"{start}. Every other technique here is measurably worse, all comparisons taken together."
    ties = rest.filter(pl.col("verdict") == "tie")
    dark = rest.filter(pl.col("verdict") == "too few rows")
    said = [f"{name} is ahead on {short}: {figure}"]
    if len(ties):
        tied = listed([f"**{labels[job]}**" for job in ties["job_id"]])
        said.append(f"{tied} can't be told apart from it on these {count(lead['n'], 'row')}")
    said += [
        f"**{labels[line['job_id']]}** is nearer where it answers, but answered {line['parse_rate']:.0%} only"
        for line in rest.filter(pl.col("verdict") == "partial").iter_rows(named=True)
    ]
    if len(dark):
        few = listed([f"**{labels[job]}**" for job in dark["job_id"]])
        said.append(f"{few} answered too few of the same rows to be compared")
    equals = pl.concat([answered.head(1), ties]).sort("usd_per_1000", nulls_last=True)
    cheapest = equals.row(0, named=True)
    if len(ties) and cheapest["usd_per_1000"] is not None:
        who = "It is also" if cheapest["job_id"] == lead["job_id"] else f"**{labels[cheapest['job_id']]}** is"
        known = "" if equals["usd_per_1000"].null_count() == 0 else " whose cost is known"
        said.append(f"{who} the cheapest of them{known} at {usd(cheapest['usd_per_1000'])} per 1,000 items")
    return ". ".join(said) + "."


def reach(line: Mapping[str, Any], name: str, error: Error) -> str:
    """Both ends of an interval in words: "$1.00 to $7.00"; "too few rows" without one."""
    low, high = line[f"{name}_low"], line[f"{name}_high"]
    return "too few rows" if low is None or high is None else f"{error.format(low)} to {error.format(high)}"


def _too_few(rows: int) -> str:
    return (
        f"Too few rows: {count(rows, 'test row')} with a known price can't tell techniques apart. At least "
        f"{resampling.FEWEST_GROUPS} that are no copies of each other are needed."
    )


def pair_verdict(table: pl.DataFrame, labels: dict[int, str], error: Error) -> str:
    """Two jobs on the same rows, in a sentence: which is nearer, by how much, and whether that is more than chance.

    `table` is worker.evaluation.compare.table of two jobs, judged by the same error.
    """
    both = table.drop_nulls("diff")
    if len(both) < 2:
        return "Nothing can be said: the two have no row in common that both answered."
    lead, other = both.row(0, named=True), both.row(1, named=True)
    if other["verdict"] == "too few rows":
        return _too_few(other["n"])
    names = f"**{labels[lead['job_id']]}** and **{labels[other['job_id']]}**"
    figures = f"{error.format(lead[error.key])} and {error.format(other[error.key])}"
    paired = f"the paired difference is {error.format(other['diff'])} (95 % interval {reach(other, 'diff', error)})"
    rows = count(lead["n"], "row")
    if other["verdict"] == "partial":
        return (
            f"**{labels[other['job_id']]}** is nearer than **{labels[lead['job_id']]}** where it answers, but answered "
            f"{other['parse_rate']:.0%} of {rows} only; {paired}."
        )
    if other["verdict"] == "worse":
        return (
            f"**{labels[lead['job_id']]}** is better than **{labels[other['job_id']]}** on {error.short.lower()}: "
            f"{figures}; {paired}, on {rows}."
        )
    return f"{names} can't be told apart on {error.short.lower()}: {figures}; {paired}, on {rows}."


def told(evidence: dict[str, Any]) -> list[tuple[Literal["error", "warning", "info"], str]]:
    """What happened to one prediction that a reader should know, in sentences. `evidence`: as techniques keep it."""
    said: list[tuple[Literal["error", "warning", "info"], str]] = []
    if evidence.get("error"):
        said.append(("error", f"No answer: {_sentence(evidence['error'])}"))
    if evidence.get("flag"):
        said.append(
            ("warning", f"The product's text looks like instructions to the model: {_sentence(evidence['flag'])}")
        )
    shortened = evidence.get("shortened") or {}
    parts = []
    if shortened.get("examples"):
        parts.append(f"{shortened['examples']:,} of the examples or neighbours were left out, the lowest-ranked first")
    if shortened.get("tokens"):
        parts.append(f"the description lost {count(shortened['tokens'], 'token')}")
    if parts:
        said.append(("info", f"The prompt would not have fitted the model's context: {listed(parts)}."))
    if evidence.get("ignored"):
        names = listed([_IGNORED.get(str(name), str(name)) for name in evidence["ignored"]])
        said.append(("info", f"The endpoint ignored what it was asked for: {names}."))
    return said


def evidence_name(key: str) -> str:
    """Of a piece of evidence that has no place of its own."""
    return _EVIDENCE.get(key, key.replace("_", " ").capitalize())


_EVIDENCE = {"neighbours_alone": "Neighbours alone, without the model ($)", "n": "Items"}

_IGNORED = {
    "logprobs": "probabilities of tokens, so there is no distribution",
    "json_schema": "an answer in a fixed form, so the price was read from free text",
    "tools": "tool calls",
}


def _sentence(text: object) -> str:
    said = str(text).strip()
    return said if said.endswith((".", "!", "?")) else f"{said}."
