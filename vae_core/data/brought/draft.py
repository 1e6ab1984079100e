"""What is known of a file while it is read, and the data set that comes of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.config import Likelihood
from vae_core.data.brought.choices import Brought, Choices, Problem
from vae_core.data.brought.wording import names_listed, sentence_of
from vae_core.data.limits import LARGEST, MAX_CLASSES, MAX_VALUES
from vae_core.errors import BadInput

MAX_LABEL_CLASSES: Final = 100
"""Of a column that is offered as labels."""
MAX_BESIDE: Final = 20
"""Numbers that are kept of each example beside x."""


class Known(NamedTuple):
    """What is known of each example beside x, in their order.

    Arguments:
        texts: Labels; None where there are none.
        numbers: By name, shape (n,) each.
    """

    texts: list[str] | None = None
    numbers: Mapping[str, NDArray[np.float64]] = MappingProxyType({})

    def kept(self, rows: NDArray[np.bool_]) -> "Known":
        """That of some of the examples."""
        texts = self.texts
        if texts is not None:
            texts = [text for text, keep in zip(texts, rows, strict=True) if keep]
        return Known(texts, {name: values[rows] for name, values in self.numbers.items()})


class Draft:
    """What is known of a file while it is read: choices in force, options, and problems."""

    def __init__(self, form: str, choices: Choices) -> None:
        self.form, self.choices = form, choices
        self.options: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []

    def say(self, text: str, choice: str = "") -> None:
        self.problems.append(Problem(text, choice))

    def choose(self, name: str, recognised: str, options: Iterable[str]) -> str:
        """The choice that holds: what was chosen, if that is one of the options, else what was recognised."""
        allowed = tuple(options)
        wanted = getattr(self.choices, name)
        value = wanted if wanted in allowed else recognised
        self.choices = replace(self.choices, **{name: value})
        if len(allowed) > 1:
            self.options[name] = allowed
        return value


def labels_and_numbers(
    candidates: Mapping[str, NDArray[np.float64]],
    default: Sequence[str],
    texts: list[str] | None,
    draft: Draft,
) -> Known:
    """The labels, and by choice the numbers that are kept of each example."""
    wanted = default if draft.choices.beside is None else draft.choices.beside
    chosen = [name for name in candidates if name in wanted][:MAX_BESIDE]
    draft.choices = replace(draft.choices, beside=tuple(chosen))
    if candidates and len(candidates) <= MAX_LABEL_CLASSES:
        draft.options["beside"] = tuple(candidates)
    if chosen:
        draft.say(f"Known of each example, and not trained on: {names_listed(chosen)}.", "beside")
    return Known(texts, {name: np.asarray(candidates[name], np.float64) for name in chosen})


def with_numbers(rows: NDArray[Any], known: Known, draft: Draft) -> tuple[NDArray[Any], Known]:
    """The examples of which all numbers beside x are known, and those."""
    good = np.ones(len(rows), np.bool_)
    for values in known.numbers.values():
        good &= np.abs(np.nan_to_num(values, nan=np.inf)) <= LARGEST
    if good.all():
        return rows, known
    if not good.any():
        message = "no example has all the numbers that are kept beside it"
        raise BadInput("beside", message, "keep fewer of them")
    where = f"without a number in {names_listed(list(known.numbers))}"
    draft.say(sentence_of(int((~good).sum()), "example", where, "left out"), "beside")
    return rows[good], known.kept(good)


def finished(
    x: NDArray[Any],
    known: Known,
    draft: Draft,
    *,
    image_shape: tuple[int, ...] | None = None,
    columns: tuple[str, ...] = (),
    head: tuple[tuple[str, ...], ...] = (),
) -> Brought:
    """What was read, with its classes, a likelihood that suits it, and whether it can be trained on."""
    labels, class_names = None, ()
    if known.texts is not None:
        labels, class_names = _classes(known.texts)
    likelihood, reason = _suggested(x, image_shape)
    if x.size > MAX_VALUES:
        message = f"{len(x):,} examples of {x.shape[1]:,} values are more than {MAX_VALUES:,} values"
        raise BadInput("size", message, "use fewer or smaller examples")
    return Brought(
        form=draft.form,
        x=x,
        labels=labels,
        class_names=class_names,
        image_shape=image_shape,
        columns=columns,
        beside=known.numbers,
        choices=draft.choices,
        options=draft.options,
        problems=tuple(draft.problems),
        likelihood=likelihood,
        reason=reason,
        head=head,
        refusal=refusal_of(x),
    )


def refusal_of(x: NDArray[Any]) -> str:
    """Why examples, shape (n, D), cannot be trained on; "" where they can."""
    if x.shape[1] < 2:
        return "Each example is one number only: the charts need two columns at least."
    if len(x) < 2:
        return "There is one example only: training needs two at least."
    if (x[1] == x[0]).all() and (x == x[0]).all():
        return "All examples are equal: there is nothing that a model could learn."
    return ""


def _classes(texts: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Class indices from 0 and their names: numbers in their order, other words in theirs."""
    names = set(texts)
    if len(names) > MAX_CLASSES:
        message = f"there are {len(names):,} different labels, more than {MAX_CLASSES:,}"
        raise BadInput("labels", message, "use none, or another column")
    are_numbers = all(name.lstrip("-").isdecimal() for name in names)
    ordered = sorted(names, key=int) if are_numbers else sorted(names)
    places = {name: place for place, name in enumerate(ordered)}
    return np.array([places[text] for text in texts], np.int64), tuple(ordered)


def _suggested(x: NDArray[Any], image_shape: tuple[int, ...] | None) -> tuple[Likelihood, str]:
    """The likelihood that suits the values, and why."""
    top = 255 if x.dtype == np.uint8 else 1
    sample = x[:: max(1, len(x) // 500)]
    if all(((part == 0) | (part == top)).all() for part in (sample, x)):
        return "bernoulli", "Bernoulli: every value is 0 or 1."
    if image_shape is None:
        return "gaussian", "Gaussian: the values are real numbers."
    edge = 0.1 * top
    share = float(((sample <= edge) | (sample >= top - edge)).mean())
    if share >= 0.5:
        return "bernoulli", f"Bernoulli: {share:.0%} of the pixels are nearly black or nearly white."
    reason = f"Continuous Bernoulli: {1 - share:.0%} of the pixels are grey, and it is a density in [0, 1]."
    return "continuous_bernoulli", reason
