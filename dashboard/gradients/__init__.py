"""The sections of the Gradients page."""
