"""The devices on which this machine can train."""

import copy
import math
from typing import TypeVar

import torch
from torch import nn

from vae_core.config import Device, ModelConfig
from vae_core.errors import BadInput
from vae_core.memory import LARGE_PRODUCT, largest_product


def available_devices() -> tuple[Device, ...]:
    """``cpu``, and ``cuda`` where PyTorch finds one."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def usable_device(name: Device) -> torch.device:
    """The device of that name.

    Raises:
        BadInput: This machine has none (code ``device``).

    Example:
        >>> usable_device("cpu")
        device(type='cpu')
    """
    if name not in available_devices():
        message = f"PyTorch finds no {name} device on this machine"
        raise BadInput("device", message, "train on the cpu, or on a machine that has one")
    return torch.device(name)


def suitable_device(config: ModelConfig, *, batch_size: int) -> Device:
    """``cuda`` for a network whose products are large enough to be worth its calls, where there is one.

    Arguments:
        config: The network.
        batch_size: Examples of an update.
    """
    is_large = math.prod(largest_product(config, batch_size)) >= LARGE_PRODUCT
    return "cuda" if is_large and "cuda" in available_devices() else "cpu"


Module = TypeVar("Module", bound=nn.Module)


def on_cpu(module: Module) -> Module:
    """The module itself where it is on the CPU, else a copy there."""
    is_there = all(parameter.device.type == "cpu" for parameter in module.parameters())
    return module if is_there else copy.deepcopy(module).cpu()
