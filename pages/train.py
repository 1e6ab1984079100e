"""What happens while it learns?"""

import streamlit as st

from dashboard.shell import controls, share, state
from dashboard.train import live, steering

with st.sidebar:
    controls.live(steering.learning_rate_changed, steering.speed_changed)
    controls.data_and_model()
    controls.training()

run = steering.run_in_view()
left, right = st.columns([19, 6], gap="small", vertical_alignment="bottom")
# The heading stands beside the buttons: the whole board is to be seen on a projector.
with left.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
    st.title("Train", anchor=False, width="content")
    steering.buttons(run)
    share.button(run)
with right:
    controls.beta_slider(steering.beta_changed)

notice = state.pop_notice()
if notice:
    st.error(notice)
if run is None:
    st.info(
        "**No run yet.** Choose data and model in the sidebar and press **Start**: within a second the "
        "curves begin, and held-out images, the latent plane and the decoded grid change while the model "
        "learns. **Step** makes a single update.",
        icon=":material/play_circle:",
    )
else:
    live.watch(run)
