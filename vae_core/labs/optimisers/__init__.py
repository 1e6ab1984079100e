"""SGD, momentum and Adam from the same start."""
