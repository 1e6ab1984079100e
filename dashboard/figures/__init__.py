"""Plotly figures from plain arrays: no Streamlit, no torch. Every axis has a title with its unit."""
