"""Which is better? (PCA, autoencoder and VAE on the same data; optimisers from the same start.)"""

from dashboard.compare import page as compare_page

compare_page.draw()
