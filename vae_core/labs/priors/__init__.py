"""Learned priors beside the standard normal."""
