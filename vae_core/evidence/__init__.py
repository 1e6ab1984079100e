"""log p(x) and how far the bound is from it: quadrature, importance sampling, annealing, the best q."""
