"""What ours is compared with: a VAE and its loop as the published PyTorch example writes them.

In the style of https://github.com/pytorch/examples/tree/main/vae: one matrix for each head, the loss from
decoded probabilities, plain Adam; the images come as that example's data set gives them, or by shorter ways.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from vae_core.config import ModelConfig, TrainConfig
from vae_core.networks import ACTIVATIONS

Feed = Literal["images", "loader", "tensor"]
"""How a mini-batch comes: each example made a PIL image and a tensor by a data loader, as the published
example does; by a data loader from one tensor; or as rows of that tensor."""


class PlainVAE(nn.Module):
    """A VAE with one hidden layer, log-variance head and Bernoulli likelihood.

    Arguments:
        config: Sizes and activation; its first hidden size is used.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        hidden_dim = config.hidden_dims[0]
        self.activation = ACTIVATIONS[config.activation]
        self.encoder_hidden = nn.Linear(config.data_dim, hidden_dim)
        self.mean = nn.Linear(hidden_dim, config.latent_dim)
        self.log_var = nn.Linear(hidden_dim, config.latent_dim)
        self.decoder_hidden = nn.Linear(config.latent_dim, hidden_dim)
        self.decoder_output = nn.Linear(hidden_dim, config.data_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), each of shape (batch, J)."""
        hidden = self.activation(self.encoder_hidden(x))
        return self.mean(hidden), self.log_var(hidden)

    def decode(self, z: Tensor) -> Tensor:
        """Pixel probabilities y of shape (batch, D)."""
        return torch.sigmoid(self.decoder_output(self.activation(self.decoder_hidden(z))))


def plain_loss(model: PlainVAE, x: Tensor, eps: Tensor) -> Tensor:
    """-ELBO summed over a batch x of shape (batch, D) with noise eps of shape (batch, J): a scalar, nats."""
    mean, log_var = model.encode(x)
    y = model.decode(mean + eps * torch.exp(0.5 * log_var))
    cross_entropy = functional.binary_cross_entropy(y, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
    return cross_entropy + kl


class PilImages(TorchDataset[Tensor]):
    """Images of bytes, each a PIL image that becomes a tensor in [0, 1], as torchvision's data set does it.

    Arguments:
        pixels: Shape (n, height, width), uint8.
    """

    def __init__(self, pixels: Tensor) -> None:
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, index: int) -> Tensor:
        image = Image.fromarray(self._pixels[index].numpy())
        pixels = torch.from_numpy(np.array(image, copy=True)).view(image.size[1], image.size[0], 1)
        return pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


class PlainLoop:
    """Trains a :class:`PlainVAE` without end.

    Arguments:
        config: The model.
        train_config: Batch size and learning rate of it are used.
        x: Training data, shape (n, D), float32; for ``images`` of shape (n, height, width), uint8.
        seed: Starts PyTorch's global generator, which such a loop draws from.
        feed: How a mini-batch comes.
    """

    def __init__(
        self, config: ModelConfig, train_config: TrainConfig, x: Tensor, *, seed: int, feed: Feed = "loader"
    ) -> None:
        torch.manual_seed(seed)
        self.model = PlainVAE(config)
        self._config = config
        self._x, self._feed, self._batch_size = x, feed, train_config.batch_size
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=train_config.learning_rate)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the training data."""
        return -(-len(self._x) // self._batch_size)

    def steps(self) -> Iterator[float]:
        """One update for each value taken: its loss per example, nats."""
        self.model.train()
        batches = self._batches()
        while True:
            for x in batches():
                self._optimizer.zero_grad()
                loss = plain_loss(self.model, x, torch.randn(len(x), self._config.latent_dim))
                loss.backward()
                mean_loss = loss.item() / len(x)
                self._optimizer.step()
                yield mean_loss

    def _batches(self) -> Callable[[], Iterable[Tensor]]:
        """A function that gives the mini-batches of one more epoch."""
        if self._feed == "tensor":
            return lambda: (
                self._x.index_select(0, rows) for rows in torch.randperm(len(self._x)).split(self._batch_size)
            )
        if self._feed == "images":
            images = DataLoader(PilImages(self._x), batch_size=self._batch_size, shuffle=True)
            return lambda: (x.view(-1, self._config.data_dim) for x in images)
        loader = DataLoader(TensorDataset(self._x), batch_size=self._batch_size, shuffle=True)
        return lambda: (x for (x,) in loader)

    @torch.no_grad()
    def held_out_loss(self, x: Tensor) -> float:
        """-ELBO of held-out data x of shape (n, D) with one sample of z each: mean, nats per example."""
        self.model.eval()
        return plain_loss(self.model, x, torch.randn(len(x), self._config.latent_dim)).item() / len(x)


class MatrixProducts:
    """The matrix products of one update and nothing else: what no loop of such a network can be faster than.

    Of each layer u = h W^T, dL/dW = delta^T h and dL/dh = delta W, but the last of these for the data: eleven
    for one hidden layer.

    Arguments:
        config: The network.
        batch: Examples of a mini-batch.
    """

    def __init__(self, config: ModelConfig, batch: int) -> None:
        self._products: list[tuple[Tensor, Tensor, Tensor]] = []
        for sizes in (config.encoder_sizes, config.decoder_sizes):
            for fan_in, fan_out in pairwise(sizes):
                h, weight = torch.randn(batch, fan_in), torch.randn(fan_out, fan_in)
                delta = torch.randn(batch, fan_out)
                self._add(h, weight.t())
                self._add(delta.t(), h)
                if (fan_in, sizes) != (config.data_dim, config.encoder_sizes):
                    self._add(delta, weight)

    def _add(self, a: Tensor, b: Tensor) -> None:
        self._products.append((a, b, a @ b))

    def __len__(self) -> int:
        return len(self._products)

    def __call__(self) -> None:
        for a, b, out in self._products:
            torch.mm(a, b, out=out)
