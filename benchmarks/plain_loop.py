"""What ours is compared with: a VAE and its loop as a PyTorch tutorial writes them.

In the style of https://github.com/pytorch/examples/tree/main/vae: one matrix for each head, a data loader,
the loss from decoded probabilities, plain Adam. Only the images differ: they wait in memory as one tensor.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from vae_core.config import ModelConfig, TrainConfig
from vae_core.networks import ACTIVATIONS


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


class PlainLoop:
    """Trains a :class:`PlainVAE` without end.

    Arguments:
        config: The model.
        train_config: Batch size and learning rate of it are used.
        x: Training data, shape (n, D).
        seed: Starts PyTorch's global generator, which such a loop draws from.
    """

    def __init__(self, config: ModelConfig, train_config: TrainConfig, x: Tensor, *, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = PlainVAE(config)
        self.latent_dim = config.latent_dim
        self._loader = DataLoader(TensorDataset(x), batch_size=train_config.batch_size, shuffle=True)
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=train_config.learning_rate)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the training data."""
        return len(self._loader)

    def steps(self) -> Iterator[float]:
        """One update for each value taken: its loss per example, nats."""
        self.model.train()
        while True:
            for (x,) in self._loader:
                self._optimizer.zero_grad()
                loss = plain_loss(self.model, x, torch.randn(len(x), self.latent_dim))
                loss.backward()
                mean_loss = loss.item() / len(x)
                self._optimizer.step()
                yield mean_loss

    @torch.no_grad()
    def held_out_loss(self, x: Tensor) -> float:
        """-ELBO of held-out data x of shape (n, D) with one sample of z each: mean, nats per example."""
        self.model.eval()
        return plain_loss(self.model, x, torch.randn(len(x), self.latent_dim)).item() / len(x)
