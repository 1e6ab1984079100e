"""The page Data: what there is to train on, and files that somebody brings."""
