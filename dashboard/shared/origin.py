"""From where somebody acts on a page, for the audit log."""

from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from db.audit import Origin


def origin() -> Origin:
    """The page, and the address of its browser; "" where that is this machine. Behind a proxy it is what that says."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return Origin("pages")
    page = urlsplit(st.context.url or "").path.strip("/").rpartition("/")[2]
    address = st.context.ip_address
    return Origin(f"page {page or 'data'}", address if isinstance(address, str) else "")  # under test it is none
