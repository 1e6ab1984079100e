"""The sections of the page Priors and weights."""
