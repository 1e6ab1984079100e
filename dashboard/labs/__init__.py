"""The laboratories: the rest of the source documents as things to do, with measured numbers."""
