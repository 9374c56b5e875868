"""The table of job kinds: how a job is called, what is said of its rows, and which page shows what came of it."""

from dataclasses import dataclass
from typing import Literal

from db.types import JobKind

Page = Literal[
    "results",
    "knowledge",
    "finetune",
    "adapters",
    "data_need",
    "tradeoffs",
    "race",
    "leakage",
    "price_check",
    "batches",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The way from a job to the page that shows more of it."""

    page: Page
    label: str
    icon: str  # a Material symbol
    names: Literal["", "job", "adapter"] = ""  # what the page's address names besides the dataset
    when_done: bool = False  # before, there is nothing to see


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What readers are told of the jobs of one kind."""

    label: str  # on pages; "" = the job is called by its technique
    terminal: str  # the same in a terminal
    done: str = ""  # what is done with its rows, after their number; "" = a job of this kind has no rows
    nothing: str = ""  # said instead of one that is done and had none
    is_shown: bool = True  # on the Jobs page; what is not is watched on a page of its own
    has_money: bool = True  # somebody books what it takes
    link: Link | None = None


KINDS: dict[JobKind, Kind] = {
    JobKind.INSPECT: Kind(label="Look at a file", terminal="look at file", done="looked at", is_shown=False),
    JobKind.LOAD: Kind(label="Loading of rows", terminal="load rows", done="read", is_shown=False),
    JobKind.PRICE: Kind(
        label="",
        terminal="",
        done="priced",
        link=Link(page="results", label="Predictions", icon="table_view", names="job", when_done=True),
    ),
    JobKind.INDEX: Kind(
        label="Knowledge base",
        terminal="knowledge base",
        done="embedded",
        nothing="nothing to embed",
        link=Link(page="knowledge", label="Knowledge base", icon="menu_book", when_done=True),
    ),
    JobKind.SEARCH: Kind(label="Search", terminal="search", is_shown=False),
    JobKind.PILOT: Kind(
        label="Timing of a fine-tune",
        terminal="time a fine-tune",
        has_money=False,
        link=Link(page="finetune", label="Fine-tune", icon="model_training"),
    ),
    JobKind.FINETUNE: Kind(
        label="Fine-tune",
        terminal="fine-tune",
        done="seen, all epochs together",
        link=Link(page="finetune", label="Curve", icon="show_chart", names="job"),
    ),
    JobKind.GATE: Kind(
        label="What an adapter forgot",
        terminal="measure what an adapter forgot",
        link=Link(page="adapters", label="Adapter", icon="extension", names="adapter"),
    ),
    JobKind.DATA_NEED: Kind(
        label="How much data is needed",
        terminal="data need",
        done="trained on",
        link=Link(page="data_need", label="Curves", icon="query_stats"),
    ),
    JobKind.VERDICT_CHECK: Kind(
        label="Check of a verdict",
        terminal="check verdicts",
        done="simulated",
        has_money=False,
        link=Link(page="tradeoffs", label="Trade-offs", icon="balance", when_done=True),
    ),
    JobKind.RACE: Kind(
        label="Race",
        terminal="race",
        done="priced by all that were still in",
        has_money=False,  # the jobs that it drives book theirs
        link=Link(page="race", label="Race", icon="flag", names="job"),
    ),
    JobKind.LEAKAGE: Kind(
        label="Search for leaks",
        terminal="search for leaks",
        done="compared",
        link=Link(page="leakage", label="Leaks", icon="water_drop", when_done=True),
    ),
    JobKind.PRICE_CHECK: Kind(
        label="Check of prices",
        terminal="check prices",
        done="checked",
        link=Link(page="price_check", label="Suspect prices", icon="manage_search", when_done=True),
    ),
    JobKind.RECHECK: Kind(
        label="Recheck of saved verdicts",
        terminal="recheck verdicts",
        has_money=False,
        link=Link(page="tradeoffs", label="Saved verdicts", icon="event_available", when_done=True),
    ),
    JobKind.TRUTH: Kind(
        label="Real prices of a batch",
        terminal="real prices of a batch",
        done="compared",
        has_money=False,
        link=Link(page="batches", label="Batches", icon="inventory_2", when_done=True),
    ),
    JobKind.REFIT: Kind(
        label="Learning anew on parts",
        terminal="learn anew on parts",
        done="fitted anew",
        link=Link(page="tradeoffs", label="Trade-offs", icon="balance", when_done=True),
    ),
    JobKind.COMPARE: Kind(label="Comparison", terminal="compare", is_shown=False, has_money=False),
}
