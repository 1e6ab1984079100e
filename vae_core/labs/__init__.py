"""The rest of the source documents, each as an experiment with measured numbers.

All of them work on the CPU: models, data and generators that they are given must be there.
"""
