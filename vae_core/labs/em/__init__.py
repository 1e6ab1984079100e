"""Expectation maximisation for a Gaussian mixture, and its free energy."""
