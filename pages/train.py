"""What happens while it learns?"""

import streamlit as st

from dashboard.shell import controls, state
from dashboard.train import page as training_page

with st.sidebar:
    controls.live(training_page.learning_rate_changed, training_page.speed_changed)
    controls.data_and_model()
    controls.training()

view = training_page.current_view()
left, right = st.columns([7, 3], vertical_alignment="bottom")
with left:
    training_page.buttons(view)
with right:
    controls.beta_slider(training_page.beta_changed)

notice = state.pop_notice()
if notice:
    st.error(notice)
if view is None:
    st.info(
        "**No run yet.** Choose data and model on the left and press **Start**: within a second "
        "the curves begin, and you see held-out images, the latent plane and the decoded grid change "
        "while it learns. **Step** makes a single update.",
        icon=":material/play_circle:",
    )
else:
    training_page.watch(view)
