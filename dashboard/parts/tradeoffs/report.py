"""The buttons that take the comparison away as a report."""

from collections.abc import Sequence

import streamlit as st

from dashboard.parts.report import files
from db.types import Dataset
from worker.evaluation.choice import Limits
from worker.evaluation.measures import Measure


def show(dataset: Dataset, job_ids: Sequence[int], error: Measure, limits: Limits, *, weighted: bool) -> None:
    """A button per kind of file. The report of these jobs by this measure is made only when one is pressed."""
    st.subheader("Report", anchor=False)
    st.caption(
        "What stands above, to pass on: verdict, tables, charts, costs and how it was measured. The web page is one "
        "file that opens without a network; the workbook has a sheet per table. Made when you press, in seconds."
    )
    with st.container(horizontal=True):
        for ending, form in files.FORMATS.items():
            st.download_button(
                form.label,
                lambda ending=ending: files.made(job_ids, error.key, limits, ending, weighted=weighted),  # type: ignore[misc]
                file_name=f"pricewright-report-dataset-{dataset.id}{ending}",
                mime=form.mime,
                icon=":material/summarize:",
                on_click="ignore",
                key=f"report{ending}",
            )
