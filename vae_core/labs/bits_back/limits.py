"""What bits-back coding takes here; known without PyTorch, so that a page can say it."""

from typing import Final

MAX_LATENT_DIM: Final = 8
MAX_IMAGES: Final = 1000
MAX_LEVELS: Final = 256
