"""Full variational Bayes on digits: a task beside the server, then spread, bounds and weights."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard.formats import signed
from dashboard.priors import weights_pictures
from dashboard.priors.weights_pictures import SIZES, Result
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell.choice import one_of
from dashboard.shell.task_line import task_line

NUM_STEPS: Final = 5000
SEED: Final = 0
OVERS: Final = {"decoder": "decoder", "decoder and encoder": "decoder and encoder"}
WIDTHS: Final = {"0.3": "0.3", "1": "1", "3": "3"}
COUNTS: Final = {"divided": "divided by N", "repeated": "once per example (wrong)"}

VAE_HELP: Final = (
    r"$\log p(x_{1..N}) \ge \sum_i \{\mathbb{E}_{q(\theta)}\mathbb{E}_{q(z|x_i)}[\log p(x_i|z,\theta)] - "
    r"\mathrm{KL}(q(z|x_i)\,\|\,p(z))\} - \mathrm{KL}(q(\theta)\,\|\,p(\theta))$ with $q(\theta) = \prod "
    r"\mathcal{N}(w; m, s^2)$ (Kingma and Welling 2014, appendix F; source document 003)."
)
DATA_HELP: Final = "The small data set: the first N training digits. The large one is all of them."
OVER_HELP: Final = (
    "θ, the decoder's weights, belong to the model p(x, z, θ): full Bayes gives them a posterior. The "
    "encoder's "
    "weights φ are variational parameters already. Document 003 gives them a q(φ) as well: the bound holds, "
    "but its extra KL only loosens it."
)
PRIOR_HELP: Final = r"$\sigma_w$ of $p(\theta) = \mathcal{N}(0, \sigma_w^2 I)$."
START_HELP: Final = (
    f"Six trainings of {NUM_STEPS:,} updates each, beside the server: plain VAE, full Bayes, and full Bayes "
    "with its KL counted once per datum; each on few and on all data. About a minute on a free core; it may "
    "wait for other computations first."
)
FORM_HELP: Final = (
    r"$\mathrm{KL}(q(\theta)\,\|\,p(\theta))$ belongs to the whole data set: per datum $\mathrm{KL}/N$. "
    r"Counting "
    "it once per datum makes it N times too strong. Spot the error in the pictures."
)


def draw() -> None:
    """The settings, the task, and what it found."""
    st.markdown(
        "Now z is unknown and the whole decoder has a q(θ). **Before you start:** on few data, which will be "
        "better on held-out digits, the plain VAE or full Bayes?"
    )
    num_data, over, prior_std = _settings()
    name = _name(num_data, over, prior_std)
    result = tasks().result(name)
    if result is None:
        task_line(
            name,
            key="weights",
            label="Train and compare",
            doing="Training …",
            help_text=START_HELP,
            start=lambda: _start(name, num_data, over, prior_std),
        )
        return
    _show(result)


def _settings() -> tuple[int, str, str]:
    first, second, third = st.columns([2, 2, 1], gap="medium")
    with first:
        num_data = st.slider(
            "Few data N", 20, 200, 50, 10, key="w_data", help=DATA_HELP, persist_state="session"
        )
    with second:
        over = one_of("Posterior over weights of", OVERS, key="w_over", help_text=OVER_HELP)
    with third:
        prior_std = one_of("Prior width of θ", WIDTHS, key="w_prior", help_text=PRIOR_HELP, default="1")
    return num_data, over, prior_std


def _name(num_data: int, over: str, prior_std: str) -> str:
    return task_key("weights", num_data, over, prior_std, NUM_STEPS, SEED)


def _start(name: str, num_data: int, over: str, prior_std: str) -> None:
    arguments = (over, prior_std, str(NUM_STEPS), str(SEED))
    tasks().start(name, "weights", *arguments, inputs={"num_data": np.array(num_data)})


@st.fragment
def _show(result: Result) -> None:
    names = dict(zip(SIZES, (f"N = {count:,}" for count in result["num_data"]), strict=True))
    weights_pictures.table(result, names, NUM_STEPS)
    wrong = one_of("KL(q(θ) ‖ p(θ))", COUNTS, key="w_form", help_text=FORM_HELP) == "repeated"
    parts = {size: weights_pictures.of(result, size, "wrong" if wrong else "full") for size in SIZES}
    if wrong:
        st.warning(_said_of_the_error(result, names))
    weights_pictures.planes(parts, names)
    weights_pictures.grids(parts, names)
    left, right = st.columns(2, gap="medium")
    with left:
        weights_pictures.density(parts, names)
    with right:
        weights_pictures.weights(parts, names)


def _said_of_the_error(result: Result, names: dict[str, str]) -> str:
    parts = []
    for size, name in names.items():
        wrong, right = (
            signed(float(weights_pictures.of(result, size, form)["test"][0])) for form in ("wrong", "full")
        )
        parts.append(f"{wrong} instead of {right} nats ({name})")
    return (
        "Each weight is held N times too strongly to its prior, so many data teach no more than few. "
        "Averaged over q(θ) every z decodes to nearly the same grey, and each draw of θ paints a picture "
        f"of its own. Held-out ELBO {' and '.join(parts)}."
    )
