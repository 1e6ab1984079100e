"""EM as an auxiliary-function method: a function that touches log p at the old theta and lies below it.

A(theta; old) = E_p(z|x; old)[log p(x, z; theta)] + H[p(z|x; old)] <= log p(x; theta), with equality at
theta = old (source document 002; minorise and maximise, Hunter and Lange 2004, doi 10.1198/0003130042836).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.labs.em.mixture import AT_ONCE, AnyMixture


class MinorisingFunction(NamedTuple):
    """log p(x) and the auxiliary function over one mean, all else fixed; nats per example.

    Arguments:
        values: Of that mean, rising, shape (P,); the old one is among them.
        log_likelihood: log p(x; theta), shape (P,).
        auxiliary: A(theta; old), shape (P,).
        old: The old value of the mean.
        touching: log p(x; old), where both meet.
    """

    values: Tensor
    log_likelihood: Tensor
    auxiliary: Tensor
    old: float
    touching: float

    @property
    def best(self) -> int:
        """Index of the largest value of the auxiliary function."""
        return int(self.auxiliary.argmax())


def minorising_function(
    x: Tensor, mixture: AnyMixture, values: Tensor, *, component: int, column: int
) -> MinorisingFunction:
    """Both functions over one entry of the means.

    Arguments:
        x: Examples, shape (n, D).
        mixture: The old theta, of any family.
        values: Where to compute them, shape (P,); the old value is put among them.
        component: k, from 0.
        column: i, from 0.

    Raises:
        BadInput: No such component or column (code ``component``).
    """
    x = torch.as_tensor(x, dtype=torch.float64)
    if not (0 <= component < mixture.num_components and 0 <= column < mixture.means.shape[1]):
        message = f"there is no component {component} with a column {column}"
        raise BadInput("component", message, "choose one of the mixture's")
    old = float(mixture.means[component, column])
    values = torch.cat(
        [torch.as_tensor(values, dtype=torch.float64), torch.tensor([old], dtype=torch.float64)]
    ).unique()
    before = mixture.log_joint(x)
    q = before.softmax(1)
    entropy = -torch.xlogy(q, q).sum(1)
    # One component moves: the others need not be computed again.
    alone, others = mixture.only(component), [k for k in range(mixture.num_components) if k != component]
    some = values.split(max(1, AT_ONCE // x.numel()))
    log_probs = torch.cat([alone.moved(0, column, part).log_prob(x) for part in some])
    moved = mixture.weights[component].log() + log_probs
    log_likelihoods = torch.logaddexp(moved, before[:, others].logsumexp(1)).mean(1)
    fixed = torch.where(q > 0, q * before, 0.0)[:, others].sum(1) + entropy
    auxiliaries = (torch.where(q[:, component] > 0, q[:, component] * moved, 0.0) + fixed).mean(1)
    touching = float(before.logsumexp(1).mean())
    return MinorisingFunction(values, log_likelihoods, auxiliaries, old, touching)
