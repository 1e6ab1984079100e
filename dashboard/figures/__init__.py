"""Plotly figures from plain arrays: no Streamlit, no torch. Every axis has a title with its unit."""

import importlib

# Plotly looks for pandas among the modules that are there, and fails on one that another thread (the warm-up)
# has imported by half. Streamlit needs it anyway for what it sends: here it is whole before the first figure.
importlib.import_module("pandas")
