"""What am I training on?"""

import streamlit as st

from dashboard.data_sets import catalogue, sketching, upload
from dashboard.shell import header

header.title("Data")
st.header("Bring your own", help=upload.HELP)
upload.draw()
st.header("Data sets")
catalogue.draw()
st.header("Draw a density", help=sketching.HELP)
sketching.draw()
