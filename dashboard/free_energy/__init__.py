"""The sections of the page Free energy and EM."""
