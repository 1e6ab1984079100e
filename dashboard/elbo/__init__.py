"""The sections of the ELBO page."""
