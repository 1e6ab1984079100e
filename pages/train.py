"""What happens while it learns?"""

from functools import partial

import streamlit as st

from dashboard.shell import controls, notices, share, state, take_home
from dashboard.train import changes, colour, live, steering

run = steering.run_in_view()
learning_rate_place = None
if not state.is_presenting():
    with st.sidebar:
        st.markdown("**Live** · act on the running training")
        learning_rate_place = st.container()
        steering.speed(run)
        changes.draw(run)
        colour.choose(run)
        controls.next_run()
# Close together, the heading beside the buttons: the whole board is to be seen on a projector.
with st.container(gap="xsmall"):
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="train_head"):
        st.title("Train", anchor=False, width="content")
        if state.is_presenting():
            steering.presenter_buttons(run)
        else:
            steering.buttons(run)
        share.button(run)
        if not state.is_presenting():
            take_home.button(None if run is None else run.run_id)
    steer = partial(steering.dials, beta=st.container(), learning_rate=learning_rate_place)
    notice = state.pop_notice()
    if notice:
        st.error(notice)
    notices.draw()
    if run is None:
        # A fragment puts what it draws into a container: here the board has the place that a run's will have.
        with st.container():
            live.show_example()
        st.fragment(steer)(None)
    else:
        live.watch(run, steer)
steering.keys(run)
