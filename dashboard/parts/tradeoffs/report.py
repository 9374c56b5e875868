"""The buttons that take the comparison away as a report."""

from collections.abc import Sequence

import streamlit as st

from dashboard.parts.report import files
from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import comparisons, reads
from db.types import Dataset, Job
from worker.evaluation.choice import Limits
from worker.evaluation.measures import Measure


def show(
    dataset: Dataset, jobs: Sequence[Job], chosen: Sequence[int], error: Measure, limits: Limits, *, weighted: bool
) -> None:
    """A button per kind of file. The report of the chosen jobs by this measure, with advice from all of them, is made
    only when one is pressed."""
    st.subheader("Report", anchor=False)
    st.caption(
        "What stands above, to pass on: verdict, tables, charts, costs and how it was measured. The web page is one "
        "file that opens without a network; the workbook has a sheet per table. Made when you press, in seconds."
    )
    with comparisons.waited_for("report"):
        every = {job.id: reads.version(job) for job in jobs}
        tradeoffs_reads.demand_report(every, tuple(chosen), error.key, limits, weighted)
        with st.container(horizontal=True):
            for ending, form in files.FORMATS.items():
                st.download_button(
                    form.label,
                    lambda ending=ending: files.made(chosen, error.key, limits, ending, weighted=weighted),  # type: ignore[misc]
                    file_name=f"pricewright-report-dataset-{dataset.id}{ending}",
                    mime=form.mime,
                    icon=":material/summarize:",
                    on_click="ignore",
                    key=f"report{ending}",
                )
