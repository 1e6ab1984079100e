"""Variational Bayes for the weights."""
