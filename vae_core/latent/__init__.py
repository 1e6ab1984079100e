"""The latent space: decoding, the aggregate posterior, metrics, predicted collapse, projections."""
