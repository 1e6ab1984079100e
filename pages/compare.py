"""Which is better? (PCA, autoencoder and VAE on the same data; optimisers from the same start.)"""

from dashboard.labs import compare_page

compare_page.draw()
