"""Stochastic gradient ascent on the objective: the loop, its optimisers, and a trace of single updates."""
