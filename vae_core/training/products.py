"""Which library multiplies the matrices of a training: PyTorch's default, or oneDNN.

On processors of one maker PyTorch's default, MKL, reaches less than half of what oneDNN does; on others they
are alike, and on those with units for 16-bit numbers the switch that chooses oneDNN permits products of 16
bits. So speed and error are measured before it is used.
"""

import functools
import math
import time
from typing import Any, Final

import torch
from torch import Tensor

from vae_core.config import ModelConfig
from vae_core.memory import LARGE_PRODUCT, largest_product

_SWITCH: Final[Any] = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
_GAIN: Final = 1.3
"""How many times faster it must be: far enough from 1 that the same machine chooses the same again."""
_MAX_ERROR: Final = 1e-6
"""Relative error of products in float32; with numbers of 16 bits it is 3e-3."""


class Products:
    """Multiplies by oneDNN within, where it is chosen; may be entered again within.

    The switch is one of the whole process.

    Arguments:
        one_dnn: Whether it is.
    """

    def __init__(self, *, one_dnn: bool = False) -> None:
        self.one_dnn = one_dnn
        self._before: list[str] = []

    def __enter__(self) -> None:
        if self.one_dnn:
            self._before.append(_SWITCH.fp32_precision)
            _SWITCH.fp32_precision = "bf16"

    def __exit__(self, *error: object) -> None:
        if self.one_dnn:
            _SWITCH.fp32_precision = self._before.pop()


def chosen_products(config: ModelConfig, rows: int) -> Products:
    """oneDNN where it multiplies the largest matrices of a network faster, and as exactly, on this machine.

    Arguments:
        config: The network.
        rows: Of its inputs.
    """
    sizes = largest_product(config, rows)
    if config.architecture == "conv":  # convolutions are oneDNN's anyway
        return Products()
    return Products(one_dnn=math.prod(sizes) >= LARGE_PRODUCT and is_exact(*sizes) and _is_faster(*sizes))


@functools.lru_cache(maxsize=64)
def is_exact(rows: int, fan_in: int, fan_out: int) -> bool:
    """Whether oneDNN's products of (rows, fan_in) by (fan_in, fan_out) are exact to float32's rounding."""
    if not torch.backends.mkldnn.is_available():
        return False
    a, b = _factors(rows, fan_in, fan_out)
    exact = a.double() @ b.double()
    with Products(one_dnn=True):
        error = (a @ b).double() - exact
    return bool(error.norm() <= _MAX_ERROR * exact.norm())


@functools.lru_cache(maxsize=64)
def _is_faster(rows: int, fan_in: int, fan_out: int) -> bool:
    a, b = _factors(rows, fan_in, fan_out)
    out = a @ b
    seconds = {False: float("inf"), True: float("inf")}
    for _ in range(5):
        for used in seconds:
            with Products(one_dnn=used):
                torch.mm(a, b, out=out)
                began = time.perf_counter()
                torch.mm(a, b, out=out)
                seconds[used] = min(seconds[used], time.perf_counter() - began)
    return seconds[False] > _GAIN * seconds[True]


def _factors(rows: int, fan_in: int, fan_out: int) -> tuple[Tensor, Tensor]:
    noise = torch.Generator().manual_seed(0)
    return torch.randn(rows, fan_in, generator=noise), torch.randn(fan_out, fan_in, generator=noise).t()
