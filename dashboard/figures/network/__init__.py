"""A network drawn as SVG with the numbers of one example."""
