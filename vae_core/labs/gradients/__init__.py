"""Gradient estimators, and back-propagation through the VAE by hand."""
