"""EM from one start after the other, which EM from several starts side by side has to equal."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
from torch import Tensor

from vae_core.labs.em.mixture import AnyMixture, EmStep, M, em_side_by_side

ITERATIONS = 30
NUMBERS = ("bound", "log_likelihood", "q_function", "entropy", "gap")


def equals_each_alone(x: Tensor, starts: Sequence[M]) -> list[list[EmStep[M]]]:
    """Asserts that what is computed side by side is that of the steps by hand; returns it."""
    found = list(islice(em_side_by_side(x, starts), ITERATIONS))
    for number, start in enumerate(starts):
        mixture: AnyMixture = start
        for steps in found:
            step = steps[number]
            q = mixture.log_joint(x).softmax(1)
            mixture, is_floored = mixture.maximised(x, q, 1e-6)
            np.testing.assert_allclose(step.responsibilities, q, rtol=0, atol=1e-10)
            assert step.floored == tuple(is_floored.nonzero()[:, 0].tolist())
            for name in ("weights", "means", "covariances"):
                if hasattr(mixture, name):
                    ours, theirs = getattr(step.mixture, name), getattr(mixture, name)
                    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10, err_msg=name)
            energy, entropy, gap = numbers_of(x, mixture, q)
            expected = energy + entropy, float(mixture.log_prob(x).mean()), energy, entropy, gap
            for name, value in zip(NUMBERS, expected, strict=True):
                np.testing.assert_allclose(getattr(step, name), value, rtol=0, atol=1e-10, err_msg=name)
    return found


def numbers_of(x: Tensor, mixture: AnyMixture, q: Tensor) -> tuple[float, float, float]:
    """E_q[log p(x, z)], H[q] and KL(q || p(z|x)) over those z that q has any mass on."""
    log_joint, has_mass = mixture.log_joint(x), q > 0
    energy = (q * log_joint)[has_mass].sum() / len(x)
    entropy = -(q * q.log())[has_mass].sum() / len(x)
    return float(energy), float(entropy), float(log_joint.logsumexp(1).mean() - energy - entropy)
