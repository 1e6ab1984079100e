"""A run as one HTML file that needs no server; no Streamlit in what makes it."""
