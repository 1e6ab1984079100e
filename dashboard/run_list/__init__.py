"""The sections of the page Runs."""
