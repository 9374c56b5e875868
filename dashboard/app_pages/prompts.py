"""The Prompts page: what language models are asked, word by word, what that costs, and what changed."""

import streamlit as st

from dashboard.parts.prompts import editor
from dashboard.shared import keeping, navigation, reads, sharing, widgets
from worker.prompts import actions

dataset = widgets.header(
    "Prompts", "The words that language models are asked with. A saved version never changes, and a run names its own."
)
every = actions.every(archived=navigation.shows_archived())
if any(prompt.archived_at for prompt in actions.every(archived=True)):
    keeping.archived_toggle()
prompt = editor.choose(every)
left, right = st.columns(2, gap="large")
with left:
    st.subheader("Words", anchor=False)
    draft = editor.edit(prompt)
    editor.save(draft, prompt)
    editor.use(prompt, draft)
    editor.keep(prompt)
    if actions.is_own(prompt.name):
        sharing.control("prompt", prompt.name, prompt.owner, prompt.shared_with)
with right:
    st.subheader("As it would be sent", anchor=False)
    editor.preview(draft, dataset, reads.endpoints())
st.subheader("Differences", anchor=False)
editor.differences(every, prompt)
