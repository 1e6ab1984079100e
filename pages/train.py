"""What happens while it learns?"""

import streamlit as st

from dashboard.shell import controls, share, state
from dashboard.train import live, steering

with st.sidebar:
    controls.live(steering.learning_rate_changed, steering.speed_changed)
    controls.data_and_model()
    controls.training()

run = steering.run_in_view()
# Close together: the whole board is to be seen on a projector.
with st.container(gap="xsmall"):
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title("Train", anchor=False, width="content")
        steering.buttons(run)
        share.button(run)
        with st.container(width=300):
            controls.beta_slider(steering.beta_changed)
    notice = state.pop_notice()
    if notice:
        st.error(notice)
    if run is None:
        live.show_example()
    else:
        live.watch(run)
