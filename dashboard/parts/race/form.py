"""The form of a race: which techniques, by which error, what is no difference in practice, how much money at most."""

from decimal import Decimal

import streamlit as st

from dashboard.parts.run import choose, estimate
from dashboard.shared import formats, reads, widgets, words
from db.types import Dataset, Split, Verb
from worker.evaluation.measures import DECIDING
from worker.pricing import actions as pricing_actions
from worker.race import actions
from worker.specs import race as race_specs

FIRST_ROWS = 500  # offered at first


def start(dataset: Dataset) -> int | None:
    """The choices, what pricing everything would take, and the button; the race that it started, or that was there."""
    endpoints, adapters = reads.endpoints(), choose.usable(dataset, reads.adapters())
    names = choose.techniques(dataset, endpoints, adapters)
    if len(names) < race_specs.FEWEST:
        st.info("Choose at least two techniques.", icon=":material/arrow_upward:")
        return None
    planned = choose.settings(dataset, names, endpoints, adapters)
    choose.model_warnings(planned, endpoints)
    test = dataset.splits.get(Split.TEST, 0)
    rows_at, margin_at, measure_at, budget_at = st.columns(4)
    rows = rows_at.number_input(
        "Test rows at most", actions.FEWEST_GROUPS, test, max(actions.FEWEST_GROUPS, min(test, FIRST_ROWS)), step=100,
        key=f"race-rows-{dataset.id}", help="The race ends earlier when it is clear who wins.",
    )  # fmt: skip
    margin = margin_at.text_input(
        "No difference in practice", "2%", key="race-margin",
        help="2% of the error of the one ahead, or an amount such as 1.50. Who can't win by more than this stops.",
    )  # fmt: skip
    able = [key for key, measure in DECIDING.items() if measure.average == "mean"]
    measure = measure_at.selectbox("Decided by", able, format_func=lambda key: DECIDING[key].label, key="race-measure")
    budget = budget_at.number_input(
        "Spend at most, all together ($)", min_value=0.0, value=None, step=0.1, format="%.4f", placeholder="no cap",
        key="race-budget", help="The race pauses before it would spend more; you can raise it and go on.",
    )  # fmt: skip
    column = widgets.weights_column(dataset)
    limit = None if rows == test else int(rows)
    known = pricing_actions.estimate(dataset.id, planned, Split.TEST, limit)
    allowed = race_specs.parse_margin(margin)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Race them", icon=":material/flag:", type="primary", **widgets.allowed(Verb.START_JOB))
        st.markdown(
            words.md(
                f"All {formats.count(int(rows), 'row')} with each: {estimate.total(known)} A race pays for fewer."
            ),
            width="content",
        )
    if not pressed:
        return None
    cap = None if budget is None else Decimal(str(budget))
    weighted = bool(column)
    return actions.start(dataset.id, planned, allowed, measure=measure, limit=limit, budget_usd=cap, weighted=weighted)
