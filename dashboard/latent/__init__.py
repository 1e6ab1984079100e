"""The sections of the Latent space page."""
