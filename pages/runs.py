"""What have I trained?"""

import streamlit as st

from dashboard.run_list import rows, transfer
from dashboard.runs.runner import runner
from dashboard.shell import browser, header, state
from dashboard.shell.notices import offer_interrupted

header.title("Runs")
runs = runner().runs_of(browser.token())
notice = state.pop_notice()
if notice:
    st.error(notice)
transfer.draw_undo()
offer_interrupted()
if runs:
    shown = rows.draw_choice(runs)
    transfer.draw_selected(runs)
    rows.draw(shown)
else:
    rows.draw_empty()
transfer.draw_upload(is_open=not runs)
transfer.draw_deleted()
rows.draw_limits(runs)
