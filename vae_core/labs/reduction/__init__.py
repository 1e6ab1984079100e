"""Dimension reductions compared: PCA, probabilistic PCA, autoencoders, VAEs."""
