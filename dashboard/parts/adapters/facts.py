"""What there is to know about one adapter: how good it is, where it comes from, what it forgot."""

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from dashboard.parts.adapters import charts, table
from dashboard.parts.run import choose
from dashboard.shared import formats, navigation, reads, widgets, words
from db.errors import UserError
from db.types import Adapter, Job
from worker.adapters import actions
from worker.evaluation.gate import Finding, Report
from worker.specs import finetune
from worker.specs.finetune import TrainSpec
from worker.specs.forms import FORMS

_VERDICTS = {
    "fell": "fell: surely worse than allowed",
    "kept": "kept: not surely worse than allowed",
    "too few": "too few cases to tell",
    "not measured": "not measured",
}


def figures(adapter: Adapter) -> None:
    """How good an adapter is and what it took."""
    known = adapter.metrics
    on = f"On {formats.count(known['rows'], 'validation row')}" if known.get("rows") else "On validation rows"
    shares = {
        name: f"{known[name]:.0%}" if known.get(name) is not None else formats.NOTHING
        for name in ("median_relative_error", "parse_rate")
    }
    shown = [
        ("Mean error", formats.price(known.get("mae")), f"{on} that it did not learn from."),
        ("Median error", shares["median_relative_error"], "Half of its guesses are closer, in % of the price."),
        ("With a price", shares["parse_rate"], "Answers that could be read as a price."),
        ("Rows learned from", f"{adapter.train_rows:,}", "Of the train side only."),
        ("Training cost", table.cost(adapter), f"Once, in {formats.duration(adapter.seconds)}."),
        ("Size", table.size(adapter), "Of its own weights; the base model comes on top."),
    ]
    for place, (label, value, about) in zip(st.columns(len(shown)), shown, strict=True):
        place.metric(label, words.md(value), help=words.md(about), border=True)
    day = table.ends(adapter, reads.endpoints(archived=True))
    if warning := words.shutdown(adapter.model, day, datetime.now(UTC).date()):
        st.warning(words.plain(warning), icon=":material/event_busy:")


def links(adapter: Adapter) -> None:
    """Where to go on with an adapter."""
    with st.container(horizontal=True):
        address = {choose.ADAPTER: adapter.id}
        if adapter.dataset_id is not None:
            address["dataset"] = str(adapter.dataset_id)
        st.page_link(navigation.RUN, label="Price with it", icon=":material/play_circle:", query_params=address)
        if adapter.job_id is not None and adapter.dataset_id is not None:
            made = {"dataset": str(adapter.dataset_id), "job": str(adapter.job_id)}
            st.page_link(navigation.FINETUNE, label="Its training", icon=":material/model_training:", query_params=made)


def card(adapter: Adapter) -> None:
    """The model card as it goes with a download, without the lines for machines at its top; as text, for the names,
    settings and reasons in it are of many hands."""
    st.code(actions.card(adapter.id).partition("\n---\n")[2], language="markdown", wrap_lines=True)


def lineage(adapter: Adapter, jobs: list[Job]) -> None:
    """Where an adapter comes from, what it was trained with, and what priced with it."""
    gone = "" if adapter.dataset_id else " (deleted since)"
    base = f"hash {adapter.base_hash[:12]}" if adapter.base_hash else "behind an endpoint"
    priced = ", ".join(f"{job.id} ({words.STATES[job.state][0].lower()})" for job in jobs[:20])
    more = f" and {len(jobs) - 20:,} more" if len(jobs) > 20 else ""
    lines = {
        "Number": adapter.id,
        "Learned from": f"{adapter.dataset_name}{gone}, {formats.count(adapter.train_rows, 'row')} of its train side",
        "Fingerprint of these rows": adapter.fingerprint,
        "Base model": f"{adapter.base}, {base}",
        "Learned to say": FORMS[adapter.form].label,
        "Made": f"{adapter.created_at:%Y-%m-%d %H:%M} UTC" + (f", by job {adapter.job_id}" if adapter.job_id else ""),
        "Priced with it": f"job {priced}{more}" if jobs else "nothing yet",
    }
    if day := table.ends(adapter, reads.endpoints(archived=True)):
        lines["Ends"] = f"{day}, when its endpoint shuts the model down"
    left, right = st.columns(2, gap="large")
    with left:
        widgets.table({"What": list(lines), "Value": list(lines.values())})
    with right:
        changed = settings(adapter)
        if changed is None:
            st.caption("Its settings are of an earlier version; the card lists them.")
        elif changed.is_empty():
            st.caption("It was trained with the settings of the quick preset, unchanged.")
        else:
            widgets.table(changed)
            st.caption("Settings that differ from the quick preset; the card lists them all.")
    st.caption("The fingerprint changes when a row, a price or the split changes; an adapter works on no other base.")


def settings(adapter: Adapter) -> pl.DataFrame | None:
    """Setting, This adapter, Quick preset of those that differ; None when an earlier version stored them."""
    try:
        spec = finetune.parse(adapter.spec)
    except UserError:
        return None
    mine, standard = spec.model_dump(), finetune.parse({}).model_dump()
    pinned = str(mine["prompt"]).startswith("listing@")  # the preset's own prompt, with its version
    lines = [
        (str(TrainSpec.model_fields[name].title), _said(value), _said(standard[name]))
        for name, value in mine.items()
        if value != standard[name] and not (name == "prompt" and pinned)
    ]
    return pl.DataFrame(lines, schema=["Setting", "This adapter", "Quick preset"], orient="row")


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) or "all" if isinstance(value, tuple | list) else str(value)


def forgot(adapter: Adapter) -> None:
    """What the training cost an adapter of what the model could do before, part by part."""
    if adapter.gate_report is None:
        st.info(
            "What it forgot was not measured yet; that is the last step of its training.", icon=":material/hourglass:"
        )
        return
    report = Report.from_json(adapter.gate_report)
    st.markdown(
        "A model that learns prices can unlearn other things. So the model without and with this adapter was asked "
        "the same, and each part below says what changed. A part **fell** when it got worse by more than the limit "
        f"allows even at the mild end of the doubt, {report.confidence:.0%} sure over all parts together; one such "
        "part is enough for the gate to object to production."
    )
    measured = [finding for finding in report.findings if finding.change is not None]
    if measured:
        widgets.chart(charts.worsening(frame(measured)), "forgetting", key=f"forgot-{adapter.id}")
    widgets.table([_line(finding) for finding in report.findings], column_config=_PARTS)


_PARTS = {
    "Part": st.column_config.TextColumn(pinned=True),
    "What the figure means": st.column_config.TextColumn(width="large"),
    "Worse by": st.column_config.TextColumn(help="Below 0: it got better."),
    "Between": st.column_config.TextColumn(help="How far the change may lie from what was measured."),
    "Cases": st.column_config.NumberColumn(format="localized", help="Passages, questions or rows asked of both."),
}


def frame(findings: list[Finding]) -> pl.DataFrame:
    """What adapter_charts.worsening draws, of parts with a change."""
    return pl.DataFrame(
        [
            {
                **{name: getattr(each, name) for name in ("name", "change", "low", "high", "limit", "verdict")},
                "said": f"{_much(each, each.change)} ({_much(each, each.low)} to {_much(each, each.high)})",
            }
            for each in findings
        ]
    )


def _line(finding: Finding) -> dict[str, object]:
    form = finding.scale.brief
    before, after = (formats.NOTHING if value is None else form(value) for value in (finding.base, finding.adapted))
    is_known = finding.change is not None
    return {
        "Part": finding.name,
        "Verdict": _VERDICTS[finding.verdict],
        "Before": before,
        "After": after,
        "Worse by": _much(finding, finding.change),
        "Between": f"{_much(finding, finding.low)} and {_much(finding, finding.high)}" if is_known else formats.NOTHING,
        "Allowed": _much(finding, finding.limit),
        "Cases": finding.n,
        "Measured on": finding.about,
        "What the figure means": finding.scale.about,
    }


def _much(finding: Finding, change: float | None) -> str:
    if change is None:
        return formats.NOTHING
    return f"{change:+.1%}" if finding.scale.rises else f"{100 * change:+.1f} points"
