"""What was measured of one way, each figure as a sentence with its doubt and its run; or what would measure it."""

from collections.abc import Mapping
from typing import Any

from db.types import Family
from worker import amounts
from worker.adapters.pricing import adapters_of
from worker.advisor.advice import Fact, Link, Unit, signed
from worker.advisor.evidence import Curve, Evidence
from worker.evaluation import gate
from worker.evaluation.gate import Finding
from worker.evaluation.slices import NO_CATEGORY
from worker.what_if import costs

TECHNIQUES = {
    Family.PROMPT: "multi-shot",
    Family.RAG: "rag",
    Family.FINETUNE: "finetuned",
    Family.BASELINE: "ridge",
}
"""Family -> the technique that is offered where none of it was run."""

NOT_RUN = "Not measured: nothing of this kind was run."


class Facts:
    """The facts of one family, each under a claim that is made of it in general."""

    def __init__(self, evidence: Evidence, family: Family) -> None:
        self._known, self._family = evidence, family
        self.job = evidence.heads.get(family)
        self._line = evidence.line(self.job)

    def error(self, claim: str) -> Fact:
        """The mean error, and how it stands to the run that is ahead."""
        line = self._line
        if line is None or line["mae"] is None:
            return self._missing("error", claim)
        text = f"{figure(line, 'mae')}. {self._standing(line)}"
        return self._fact("error", claim, text, line["mae"], "dollars", line["mae_low"], line["mae_high"])

    def time(self, claim: str) -> Fact:
        """From the start to prices on the screen: learning, training included, and pricing."""
        if self.job is None:
            return self._missing("time", claim)
        seconds = self._known.pricing_seconds.get(self.job)
        if seconds is None:
            return self._missing("time", claim, "Not measured: nothing was priced.")
        once = self._known.jobs[self.job].fixed_seconds
        whole = once + seconds
        learning = f"{amounts.duration(once)} of it to learn" if once >= 0.001 else "nothing to learn"
        rows = amounts.count(self._known.jobs[self.job].items_total, "row")
        return self._fact("time", claim, f"{amounts.duration(whole)} for {rows}, {learning}.", whole, "seconds")

    def cost(self, claim: str) -> Fact:
        """What the run took, learning included."""
        if self.job is None:
            return self._missing("cost", claim)
        progress = self._known.progress[self.job]
        if self.job in self._known.unknown_fixed or progress.has_unknown_cost:
            return self._missing("cost", claim, "Unknown: nobody told the price of its model.", self._prices())
        usd = float(progress.usd + progress.saved_usd)
        once = float(self._known.jobs[self.job].fixed_usd)
        rows = amounts.count(self._known.jobs[self.job].items_total, "row")
        return self._fact(
            "cost", claim, f"{amounts.usd(usd)} for {rows}, {amounts.usd(once)} of it to learn.", usd, "dollars"
        )

    def per_1000(self, claim: str) -> Fact:
        """What 1,000 more items would take."""
        if self._line is None:
            return self._missing("per_1000", claim)
        usd = self._line["usd_per_1000"]
        if usd is None or usd != usd:
            return self._missing("per_1000", claim, "Unknown: nobody told the price of its model.", self._prices())
        return self._fact("per_1000", claim, f"{amounts.usd(usd)} per 1,000 items.", usd, "dollars")

    def latency(self, claim: str) -> Fact:
        """Seconds of an item."""
        line = self._line
        if line is None or line["p50_ms"] is None:
            return self._missing("latency", claim)
        half = line["p50_ms"] / 1000
        usual, most = amounts.duration(half), amounts.duration(line["p95_ms"] / 1000)
        text = f"{usual} an item; 19 of 20 within {most}." if most != usual else f"{usual} an item."
        return self._fact("latency", claim, text, half, "seconds")

    def hardest(self, claim: str) -> Fact:
        """The error where it is largest."""
        line = self._known.hardest.get(self.job) if self.job is not None else None
        if line is None:
            why = NOT_RUN if self.job is None else "Not measured: no two categories or price bands have enough rows."
            return self._missing("slice", claim, why, self._run() if self.job is None else self._more_rows())
        where = "Products without a category" if line["slice"] == NO_CATEGORY else line["slice"]
        text = (
            f"{where}: {figure(line, 'mae')} on {amounts.count(line['n'], 'row')}, the most of "
            f"{line['slices']} {'categories' if line['kind'] == 'category' else 'price bands'}."
        )
        return self._fact(
            "slice", claim, text, line["mae"], "dollars", line["mae_low"], line["mae_high"], self._tradeoffs()
        )

    def context(self, claim: str, technique: str) -> Fact:
        """From how many examples or neighbours on more did not help."""
        curve = next((each for each in reversed(self._known.curves) if each.family is self._family), None)
        enough = curve.enough if curve else None
        if curve is None or enough is None:
            why = curve.sentence if curve else "Not measured: the number of examples or neighbours was not varied."
            command = f"pricewright curve {self._known.dataset.id} --technique {technique}"
            link = Link("run", "Vary the number", {"technique": technique}, command)
            return self._missing("context", claim, why, link)
        unit: Unit = "examples" if curve.what == "examples" else "neighbours"
        return Fact("context", claim, curve.sentence, _curve_link(curve, enough), True, float(enough["k"]), unit)

    def labelled(self, claim: str) -> Fact:
        """Rows with a price that it learned from, searches or shows."""
        if self.job is None:
            return self._missing("rows", claim)
        read = adapters_of(self._known.jobs[self.job].spec)
        used = [each for each in self._known.adapters if each.id in read]
        rows = costs.labelled(self._known.dataset, self._known.specs[self.job], used)
        return self._fact("rows", claim, f"It used {amounts.count(rows, 'priced row')}.", float(rows), "rows")

    def data_need(self, claim: str) -> Fact:
        """How many rows it takes until fine-tuning passes the others."""
        job = self._known.data_need
        report = self._known.data_need_result.get("report")
        if job is None or report is None:
            command = f"pricewright data-need {self._known.dataset.id}"
            link = Link("data_need", "Measure how many rows it needs", {}, command)
            return self._missing("rows", claim, "Not measured: how the error falls with more rows.", link)
        text = " ".join(each["sentence"] for each in report["crossings"]) or (
            "Only fine-tuning was measured, so there is nothing that it could pass."
        )
        passes = [each["rows"] for each in report["crossings"]]
        value = max(passes) if passes and None not in passes else None  # from so many on it is ahead of all others
        return Fact("rows", claim, text, Link("data_need", f"job {job.id}"), True, value, "rows")

    def forgetting(self, claim: str) -> Fact:
        """What the gate found that the adapter lost."""
        adapter = self._known.adapter(self.job)
        dataset = self._known.dataset.id
        if adapter is None:
            link = Link("finetune", "Fine-tune", {}, f"pricewright finetune {dataset}")
            return self._missing("forgetting", claim, "Not measured: no adapter was trained on this table.", link)
        address = {"adapter": adapter.id}
        report = gate.Report.from_json(adapter.gate_report) if adapter.gate_report else None
        known = [each for each in report.findings if each.change is not None] if report else []
        if report is None or not known:
            link = Link("adapters", "Measure it", address, f"pricewright adapters measure {adapter.id[:12]}")
            return self._missing("forgetting", claim, "Not measured: the gate has not seen this adapter.", link)
        worst = max(known, key=lambda each: each.change or 0.0)
        verdict = gate.objection(report) or "Nothing fell by more than is surely too much."
        label = f"adapter {adapter.id[:8]}"
        text = f"{verdict} Most: {_change(worst)}."
        return Fact(
            "forgetting",
            claim,
            text,
            Link("adapters", label, address),
            True,
            worst.change,
            "share",
            worst.low,
            worst.high,
        )

    def freshness(self, claim: str) -> Fact:
        """How old the knowledge base is, and what changed since."""
        fresh, when, dataset = self._known.freshness, self._known.refreshed_at, self._known.dataset.id
        if fresh is None or when is None or not fresh.items:
            link = Link("knowledge", "Build the knowledge base", {}, f"pricewright knowledge build {dataset}")
            return self._missing("freshness", claim, "Not measured: there is no knowledge base yet.", link)
        age = max(0.0, (self._known.now - when).total_seconds())
        changed = round(fresh.stale_share * fresh.items)
        text = (
            f"Brought up to date {amounts.duration(age)} ago; {amounts.count(changed, 'row')} of {fresh.items:,} "
            "changed since."
        )
        if fresh.median_age_days is not None and fresh.median_age_days >= 1:
            text += f" Half of its prices are older than {amounts.count(round(fresh.median_age_days), 'day')}."
        job = self._known.index_job
        return Fact(
            "freshness", claim, text, Link("knowledge", f"job {job}" if job else "knowledge base"), True, age, "seconds"
        )

    def frozen(self, claim: str) -> Fact:
        """How long ago its prices were learned."""
        adapter = self._known.adapter(self.job)
        if adapter is None:
            return self._missing("freshness", claim)
        age = max(0.0, (self._known.now - adapter.created_at).total_seconds())
        text = f"Trained {amounts.duration(age)} ago; prices of later do not reach it."
        link = Link("adapters", f"adapter {adapter.id[:8]}", {"adapter": adapter.id})
        return self._fact("freshness", claim, text, age, "seconds", link=link)

    def _standing(self, line: Mapping[str, Any]) -> str:
        """How it stands to the run that is ahead of all."""
        lead = self._known.lead
        assert lead is not None  # it has a line, and so has the lead
        rows, names = amounts.count(line["n"], "row"), self._known.names
        if line["job_id"] == lead["job_id"]:
            said = {
                "best": "Every other run here is measurably worse",
                "ahead": "Ahead of all runs here, but not surely of every one",
            }
            alone = "Nothing to compare it with" if len(self._known.table) == 1 else "Too few rows to compare it"
            return f"{said.get(str(line['verdict']), alone)} ({rows})."
        who = names[lead["job_id"]]
        match line["verdict"]:
            case "worse":
                return f"Worse than {who} by {amounts.price(line['diff'])} ({_ends(line)}; {rows})."
            case "tie":
                more = f"; about {line['more_rows']:,} more rows would probably tell" if line["more_rows"] else ""
                return (
                    f"It can't be told apart from {who}, which is ahead ({signed(line['diff'])}, {_ends(line)}{more})."
                )
            case "partial":
                return f"It answered {line['parse_rate']:.0%} only, too little to be ahead of {who}."
        return f"Too few rows to compare it with {who} ({rows})."

    def _fact(
        self, key: str, claim: str, text: str, value: float, unit: Any, low: float | None = None,
        high: float | None = None, link: Link | None = None,
    ) -> Fact:  # fmt: skip
        return Fact(key, claim, text, link or self._own(), True, value, unit, low, high)

    def _missing(self, key: str, claim: str, why: str = NOT_RUN, link: Link | None = None) -> Fact:
        return Fact(key, claim, why, link or self._run(), is_measured=False)

    def _own(self) -> Link:
        return Link("results", f"job {self.job}", {"job": str(self.job)})

    def _run(self) -> Link:
        """What would measure this family, or where a run of it can be looked at."""
        if self.job is not None:
            return self._own()
        dataset = self._known.dataset.id
        if self._family is Family.FINETUNE and not self._known.adapters:
            return Link("finetune", "Fine-tune", {}, f"pricewright finetune {dataset}")
        technique = TECHNIQUES[self._family]
        names = {"technique": technique}
        command = f"pricewright price {dataset} --technique {technique}"
        if self._family is Family.FINETUNE:
            names["adapter"] = self._known.adapters[0].id
            command += f" --adapter {names['adapter'][:12]}"
        return Link("run", "Run it", names, command)

    def _more_rows(self) -> Link:
        job = self._known.jobs[self.job] if self.job is not None else None
        technique = job.technique if job else TECHNIQUES[self._family]
        command = f"pricewright price {self._known.dataset.id} --technique {technique} --rows test"
        return Link("run", "Price more rows", {"technique": technique}, command)

    def _tradeoffs(self) -> Link:
        return Link("tradeoffs", f"job {self.job}", {})

    def _prices(self) -> Link:
        return Link("endpoints", "Enter its price", {}, "pricewright endpoints price")


def figure(line: Mapping[str, Any], key: str) -> str:
    """A figure with its interval: $12.00 (95 % interval $10.00 to $14.00)."""
    low, high = line[f"{key}_low"], line[f"{key}_high"]
    if low is None or high is None:
        return f"{amounts.price(line[key])} (too few rows for an interval)"
    level = amounts.level(line["level"])
    return f"{amounts.price(line[key])} ({level} interval {amounts.price(low)} to {amounts.price(high)})"


def _ends(line: Mapping[str, Any]) -> str:
    level = amounts.level(line["level"])
    return f"{level} interval {signed(line['diff_low'])} to {signed(line['diff_high'])}"


def _change(finding: Finding) -> str:
    """What became of one part of the gate."""
    unit = "%" if finding.scale.rises else "points"
    change, limit = 100 * (finding.change or 0.0), 100 * finding.limit
    return f"{finding.name} {'worse' if change > 0 else 'better'} by {abs(change):.1f} {unit} ({limit:.0f} are allowed)"


def _curve_link(curve: Curve, enough: Mapping[str, Any]) -> Link:
    return Link("tradeoffs", f"jobs {min(curve.jobs)} to {max(curve.jobs)}", {"job": str(enough["job_id"])})
