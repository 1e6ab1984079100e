"""PCA, probabilistic PCA, linear VAE, autoencoder and VAE on the same data: six questions, one table."""

from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.compare import cached_dimension_reduction as cached
from dashboard.compare.cached_dimension_reduction import SHIPPED, Scene
from dashboard.compare.dimension_reduction_numbers import draw_tables, summary, verdict
from dashboard.compare.dimension_reduction_pictures import QUESTION_LABELS, QUESTIONS, Shown
from dashboard.runs.tasks import tasks
from dashboard.shell.choice import one_of
from dashboard.shell.task_line import task_line
from vae_core.data import DATASET_INFO, DATASETS
from vae_core.errors import BadInput
from vae_core.labs.reduction.results import Results, from_arrays

NETWORKS: Final = ("linear VAE", "autoencoder", "VAE")
LAB_HELP: Final = (
    "All methods reduce x to J numbers z and come back. **PCA** projects; **probabilistic PCA** is "
    r"$x = Wz + \mu + s\varepsilon$ in closed form (Tipping and Bishop 1999); a **linear VAE** is trained to "
    "the same model (Lucas et al. 2019); **autoencoder** and **VAE** are one network with a hidden layer, "
    "without and with a variance of z."
)
TRAIN_HELP: Final = (
    "Three networks with a Gaussian likelihood, learned s, one seed and one budget for all: 4000 updates of "
    "64 data each by Adam (learning rate 0.01, then 0.002 and 0.0002). Autoencoder and VAE have 128 tanh "
    "units. About 15 seconds for the digits, a minute for MNIST, beside the server."
)
SHIPPED_NOTE: Final = (
    "The VAE that ships had a budget of its own (600 epochs) and a Bernoulli likelihood. The button trains "
    "one with the budget of the others."
)
TRAINED_NOTE: Final = (
    "Linear VAE, autoencoder and VAE had one budget: 4000 updates of 64 data each, the same seed, a Gaussian "
    "likelihood with learned s."
)
QUESTION_HELP: Final = "Each asks all methods the same, on held-out data, and answers with a number."
J_HELP: Final = "Number of values that each datum is reduced to; two columns can only be reduced to J = 1."
SEED_HELP: Final = "Of the split, the initial weights and all draws."


def draw() -> None:
    """The controls, the answers, the table."""
    st.subheader("How different is it, and what is it good for?", help=LAB_HELP)
    name, latent_dim, seed, folder = _controls()
    try:
        scene = cached.scene(name, seed, folder, latent_dim)
    except BadInput as err:
        st.error(str(err))
        return
    result = tasks().result(scene.task)
    found = _found(scene, result)
    if result is None:
        _train(scene, name, latent_dim, seed, folder)
    if result is not None or SHIPPED in found:
        st.caption(SHIPPED_NOTE if result is None else TRAINED_NOTE)
    against_pca = summary(found, scene.reference)
    if against_pca:
        st.markdown(against_pca)
    question = one_of("Question", QUESTION_LABELS, key="dr_question", help_text=QUESTION_HELP)
    asked = QUESTIONS[question]
    asked.draw(Shown(scene, found, latent_dim))
    for key in asked.measures:
        st.markdown(verdict(key, found, scene.reference))
    if question == "plane" and result is not None:
        st.caption(_angle(result))
    measures = {QUESTION_LABELS[name]: question.measures for name, question in QUESTIONS.items()}
    draw_tables(measures, found, scene.reference)


def _controls() -> tuple[str, int, int, str | None]:
    left, middle, right = st.columns([2, 2, 1])
    with left:
        name, folder = _data()
    options = (2, 8) if DATASET_INFO[name].kind == "images" else (1,)
    latent_dim = middle.segmented_control(
        "Latent dimension J",
        options,
        default=options[0],
        required=True,
        key=f"dr_latent_dim_{len(options)}",
        help=J_HELP,
        persist_state="session",
    )
    seed = right.number_input("Seed", 0, 2**31 - 1, 0, key="dr_seed", help=SEED_HELP, persist_state="session")
    return name, latent_dim, seed, folder


def _data() -> tuple[str, str | None]:
    name = st.selectbox(
        "Data",
        DATASETS,
        key="dr_data",
        format_func=lambda key: DATASET_INFO[key].title,
        help="All methods get the same training data and are asked about the same held-out data.",
        persist_state="session",
    )
    if name != "idx":
        return name, None
    folder = st.text_input(
        "Folder of the IDX files",
        key="dr_folder",
        placeholder="/data/mnist",
        help="On the server's disk. The first 5000 training and 500 held-out images are used.",
        persist_state="session",
    )
    return name, folder.strip() or None


def _found(scene: Scene, result: dict[str, NDArray[Any]] | None) -> dict[str, Results]:
    """All that is known so far; the VAE trained here takes the place of the one that ships."""
    if result is None:
        return scene.found
    closed = {name: results for name, results in scene.found.items() if name != SHIPPED}
    return closed | {name: from_arrays(name, result) for name in NETWORKS}


def _train(scene: Scene, name: str, latent_dim: int, seed: int, folder: str | None) -> None:
    def start() -> None:
        arguments = ("reduction", str(latent_dim), str(seed))
        tasks().start(scene.task, *arguments, inputs=cached.task_inputs(name, seed, folder))

    task_line(
        scene.task,
        key="dr",
        label="Train linear VAE, autoencoder and VAE",
        doing="Training three networks …",
        help_text=TRAIN_HELP,
        start=start,
    )


def _angle(result: dict[str, NDArray[Any]]) -> str:
    angle = float(np.asarray(result["angle"]))
    return (
        f"Largest principal angle between the linear VAE's plane and PCA's: {angle:.2f}°. One learned by "
        "gradient steps what the other has in closed form (0° when it has arrived)."
    )
