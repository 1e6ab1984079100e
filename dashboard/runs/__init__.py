"""Trainings and background tasks as processes, and the store of runs. No Streamlit here."""
