"""The configuration of a run as the values of the controls, and back. No Streamlit here.

What a control holds is plain: a text for the hidden layers, so that it can be typed. ``links.PARAMETERS`` has
its default, and what a link says of it.
"""

import math
from collections.abc import Mapping
from typing import Any

from dashboard.shell.links import PARAMETERS, read_link, text_of
from vae_core.config import Architecture, Condition, Likelihood, ModelConfig, RunConfig, TrainConfig
from vae_core.data import data_shape, dataset_info, num_classes, numbers_known
from vae_core.data.files import folder_of, idx_sets
from vae_core.errors import BadInput


def config_of(values: Mapping[str, Any], *, hold: bool = False) -> RunConfig:
    """The run that the controls describe.

    Arguments:
        values: By the names of the parameters.
        hold: Whether it waits before its first step.

    Raises:
        BadInput: A value cannot be used; one sentence says which and what to do.
    """
    is_idx = values["dataset"] == "idx"
    folder = chosen_folder(values["data_folder"], values["data_set"]) if is_idx else None
    is_transposed = is_idx and values["data_orientation"] == "transposed"
    shape = data_shape(values["dataset"], folder=folder, transpose=is_transposed)
    is_conv = architecture_of(values) == "conv"
    condition, number = condition_of(values, folder), number_of(values)
    likelihood, about = likelihood_of(values), dataset_info(values["dataset"])
    # A scale that is not on the page is none of the run's, and no reason to refuse it.
    scale = parse_scale(values["likelihood_scale"]) if likelihood == "gaussian" else 1.0
    model = ModelConfig(
        data_dim=math.prod(shape),
        latent_dim=values["latent_dim"],
        architecture=architecture_of(values),
        image_shape=shape if is_conv else None,
        hidden_dims=parse_sizes(values["channels" if is_conv else "hidden"]),
        activation=values["activation"],
        initial_weights=values["initial_weights"],
        encoder_head=values["encoder_head"],
        likelihood=likelihood,
        likelihood_scale=scale,
        prior=values["prior"],
        num_components=values["num_components"],
        num_conditions=num_conditions_of(condition, values["dataset"], folder),
    )
    train = TrainConfig(
        beta=values["beta"],
        num_samples=values["num_samples"],
        optimizer=values["optimizer"],
        learning_rate=values["learning_rate"],
        momentum=values["momentum"],
        batch_size=values["batch_size"],
        num_epochs=values["num_epochs"],
        beta_schedule=values["beta_schedule"],
        schedule_epochs=values["schedule_epochs"],
        # Those of the ELBO alone; what is not on the page is no reason to refuse the run.
        free_bits=values["free_bits"] if values["objective"] == "elbo" else 0.0,
        patience=values["patience"],
        objective=values["objective"],
    )
    return RunConfig(
        model=model,
        dataset=values["dataset"],
        data_folder=folder,
        data_transposed=is_transposed,
        num_examples=None if about.num_examples is None else values["num_examples"],
        data_noise=values["data_noise"] if about.noise else 1.0,
        binarised=values["binarised"] if about.kind == "images" else "no",
        condition=condition,
        condition_on=number if condition == "number" else "",
        train=train,
        seed=values["seed"],
        hold=hold,
    )


def chosen_folder(folder: object, name: object) -> str | None:
    """The path that names one data set alone: of a typed folder, and of a name in it where it has several.

    Raises:
        BadInput: There is no such folder, or it may not be read.
    """
    path = folder_of(str(folder or ""))
    if path is None:
        return None
    found = idx_sets(path) if name else ()
    return str(next((one.path for one in found if one.name == name), path))


def values_of(config: RunConfig) -> dict[str, Any]:
    """What the controls hold where they describe a run; a value that none of them can hold is left out."""
    model, train = config.model, config.train
    sizes, is_conv = ", ".join(map(str, model.hidden_dims)), model.architecture == "conv"
    values: dict[str, Any] = {
        "dataset": config.dataset,
        "data_folder": config.data_folder or "",
        "data_set": "",
        "data_orientation": "transposed" if config.data_transposed else "as_stored",
        "num_examples": config.num_examples,
        "data_noise": float(config.data_noise),
        "binarised": config.binarised,
        "condition": config.condition,
        "condition_on": config.condition_on,
        "latent_dim": model.latent_dim,
        "architecture": model.architecture,
        "hidden": PARAMETERS["hidden"].default if is_conv else sizes,
        "channels": sizes if is_conv else PARAMETERS["channels"].default,
        "likelihood": model.likelihood,
        "points_likelihood": "gaussian" if model.is_unit_interval else model.likelihood,
        "likelihood_scale": _scale_text(model),
        "encoder_head": model.encoder_head,
        "activation": model.activation,
        "initial_weights": model.initial_weights,
        "prior": model.prior,
        "num_components": model.num_components,
        "seed": config.seed,
        "num_epochs": train.num_epochs,
        "batch_size": train.batch_size,
        "num_samples": train.num_samples,
        "optimizer": train.optimizer,
        "momentum": float(train.momentum),
        "beta_schedule": train.beta_schedule,
        "schedule_epochs": train.schedule_epochs,
        "free_bits": float(train.free_bits),
        "patience": train.patience,
        "objective": train.objective,
        "beta": float(train.beta),
        "learning_rate": float(train.learning_rate),
    }
    return read_link({key: text_of(value) for key, value in values.items()})


def _scale_text(model: ModelConfig) -> str:
    if not model.has_scale:  # what stands ready for a Gaussian
        return PARAMETERS["likelihood_scale"].default
    return "learned" if model.likelihood_scale is None else text_of(float(model.likelihood_scale))


def likelihood_of(values: Mapping[str, Any]) -> Likelihood:
    """The likelihood: for real vectors one of those of real numbers."""
    return values["likelihood" if is_unit_interval(values) else "points_likelihood"]


def architecture_of(values: Mapping[str, Any]) -> Architecture:
    """The architecture: convolutions are for images."""
    return values["architecture"] if has_images(values) else "mlp"


def condition_of(values: Mapping[str, Any], folder: str | None) -> Condition:
    """What y is: data without classes, or without numbers, have none, whatever is chosen.

    Raises:
        BadInput: The data set is unknown, or its folder cannot be read.
    """
    if values["condition"] == "class" and num_classes(values["dataset"], folder=folder):
        return "class"
    return "number" if values["condition"] == "number" and number_of(values) else "none"


def number_of(values: Mapping[str, Any]) -> str:
    """The name of the number y: the one that is chosen, where it is known of the examples, else the first.

    Raises:
        BadInput: The data set is unknown, or not kept any more.
    """
    names = tuple(numbers_known(values["dataset"]))
    return values["condition_on"] if values["condition_on"] in names else next(iter(names), "")


def num_conditions_of(condition: Condition, dataset: str, folder: str | None) -> int:
    """C, the values of y that the networks take."""
    if condition == "class":
        return num_classes(dataset, folder=folder)
    return 1 if condition == "number" else 0


def has_images(values: Mapping[str, Any]) -> bool:
    """Whether the examples are images; of a data set that is not kept any more nobody knows."""
    try:
        return dataset_info(values["dataset"]).kind == "images"
    except BadInput:
        return False


def is_unit_interval(values: Mapping[str, Any]) -> bool:
    """Whether all values of the examples lie in [0, 1].

    Of a data set that is unknown or not kept any more nobody knows; it is refused where it is loaded.
    """
    try:
        return dataset_info(values["dataset"]).is_unit_interval
    except BadInput:
        return False


def parse_sizes(text: str) -> tuple[int, ...]:
    """Hidden sizes from text such as ``"400, 200"``; empty text is no hidden layer.

    Raises:
        BadInput: A part is no whole number.
    """
    parts = [part for part in text.replace(",", " ").replace(";", " ").split() if part]
    try:
        return tuple(int(part) for part in parts)
    except ValueError as err:
        shown = text if len(text) <= 30 else text[:27] + "..."
        hint = "write sizes with commas, such as 400, 200, or leave it empty"
        raise BadInput("hidden_dims", f"hidden layers must be whole numbers, got {shown!r}", hint) from err


def parse_scale(text: str) -> float | None:
    """s from text: a number, or None for ``"learned"``.

    Raises:
        BadInput: Neither.
    """
    if text.strip().lower() == "learned":
        return None
    try:
        return float(text)
    except ValueError as err:
        hint = "write a number such as 1, or learned"
        raise BadInput(
            "likelihood_scale", f"s must be a number or 'learned', got {text[:30]!r}", hint
        ) from err
