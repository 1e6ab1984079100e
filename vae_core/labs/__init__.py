"""The rest of the source documents, each as an experiment with measured numbers."""
