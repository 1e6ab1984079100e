"""Controls on the page -> frozen configurations. Each control's tooltip gives its symbol and formula.

What a control starts with, and what a link says of it, is in ``links.PARAMETERS``. Values are read by key, so
that a callback sees the newest ones.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import streamlit as st

from dashboard.components.dial.element import Scale, dial, moved
from dashboard.formats import plain
from dashboard.labels import LABELS, NAMES
from dashboard.notation import given_y
from dashboard.shell import data_menu, image_folder, settings, state
from dashboard.shell.links import PARAMETERS, SETTINGS, SPEEDS, Number, Text, Whole
from vae_core.config import (
    MAX_NOISE,
    REAL_VALUED,
    RECTIFIED,
    Activation,
    Architecture,
    BetaSchedule,
    Binarised,
    Condition,
    EncoderHead,
    InitialWeights,
    Likelihood,
    Objective,
    Optimizer,
    Prior,
    RunConfig,
    refused_objectives,
)
from vae_core.data import dataset_info, num_classes, numbers_known
from vae_core.errors import BadInput

Callback = Callable[[], None]
DIGITS: Final = "%.12g"
"""A number with all the digits it has, and no more: 0.1, 0.00025."""
BETA_SCALE: Final = Scale(low=1e-3, high=100.0, ticks=(0.0, 0.01, 0.1, 1.0, 10.0, 100.0), zero=True)
LEARNING_RATE_SCALE: Final = Scale(low=1e-5, high=10.0, ticks=(1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0))
BETAS: Final = (0.0, 0.1, 1.0, 4.0, 10.0)
"""What one click reaches: the autoencoder, more and more of the KL, the ELBO at 1."""
K_HELP: Final = (
    "M = 1 is the ELBO. More samples tighten the bound and train the decoder better, but the encoder's "
    "gradient loses its signal like 1/√K (Rainforth et al. 2018): measured on **Gradients**, Importance "
    "weighting."
)
NO_CLASSES: Final = (
    "These data have no classes, and no number is known of each example: there is no y to condition on."
)
_OF_NUMBER: Final = ("dataset", "condition_on")
_FIXED: Final = "Fixed by the link that opened this page."
IMAGE_KEYS: Final = image_folder.Keys("data_folder", "data_set", "data_orientation")
LIVE: Final = ("beta", "learning_rate", "speed")
"""Controls that act on a running training; the others begin with the next Start."""
HELP: Final = {
    "dataset": "The examples $x$. A part is held out: the model never trains on it, and the solid curves are "
    "measured on it. The page **Data** shows all of them, and takes files of your own.",
    "data_folder": "A folder on the server with IDX files, plain or .gz, of MNIST, Fashion-MNIST, KMNIST, "
    "EMNIST or QMNIST: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the `t10k-…` pair.",
    "data_set": "The folder has the files of several data sets.",
    "data_orientation": "Transposed: rows and columns of each image are exchanged. EMNIST stores its images "
    "on their side.",
    "num_examples": "$n$, how many examples are made from the seed; a fifth of them is held out. "
    "Empty: as many as the menu says.",
    "data_noise": "Multiplies the standard deviation of the noise that is added to each point. "
    "0: the curve itself.",
    "binarised": "Whether pixels become 0 and 1, so that Bernoulli nats compare with the literature. At the "
    "threshold: 1 above 0.5. Stochastically: training draws each pixel anew for each update, 1 with its grey "
    "value as the probability (Burda et al. 2016); held-out images are drawn once, by a fixed seed.",
    "condition": r"The class: encoder and decoder take it beside $x$ and $z$, as $y$ with 1 at its place "
    r"and 0 at the others: $q(z|x, y)$, $p(x|z, y)$, and $p(z)$ is the same for all (Sohn, Lee and Yan "
    r"2015). What is trained and measured is then the ELBO of $\log p(x|y)$; $z$ is left with what the class "
    "does not tell, such as slant or stroke. A number: the same with one known number of each example, a "
    "cause of made images or a column that **Data** keeps beside $x$, standardised by the training part. "
    "Not with a VampPrior: made of q(z|u, y), it would depend on y.",
    "condition_on": "Which number that is known of each example is $y$.",
    "latent_dim": r"$J$, the number of latent dimensions: $z \in \mathbb{R}^J$. "
    "With 2 the latent space is a plane.",
    "architecture": "Fully connected: every value of a layer meets every one of the next, $h = f(Wx + b)$. "
    "Convolutional: kernels of 4 × 4 pixels at every second pixel halve the sides of the image, "
    r"$h_c = f(\sum_{c'} K_{cc'} * x_{c'} + b_c)$, then a linear layer; the decoder mirrors them with "
    "transposed convolutions. For images up to 64 × 64 pixels: far fewer weights, and more time for each "
    "update. **Latent space** decodes both in your browser.",
    "channels": "Channels of each convolution of the encoder, for instance `16, 32`: 28 × 28 pixels become "
    "16 maps of 14 × 14, then 32 of 7 × 7. The decoder mirrors them.",
    "hidden": "Sizes of the encoder's hidden layers, for instance `128` or `400, 200`; the decoder mirrors "
    "them. Empty: linear maps.",
    "activation": "$f$ of the hidden layers, $h = f(Wx + b)$.",
    "initial_weights": r"Of ReLU and SiLU networks: drawn from $\mathcal{N}(0, 2/n)$ for $n$ inputs of a "
    r"layer (He et al. 2015), in all layers, or with a tenth of that width in the last ones: then $q(z|x)$ "
    r"begins near $\mathcal{N}(0, I)$, and the first epochs have less to unlearn.",
    "likelihood": r"$p(x|z)$. Bernoulli: $\sum_i x_i\log y_i + (1-x_i)\log(1-y_i)$. Continuous Bernoulli: "
    r"the same, normalised to a density for grey pixels. Gaussian: "
    r"$-\tfrac12\|x-y\|^2/s^2 - D\log s - \tfrac D2\log 2\pi$. Gaussian, σ(z) for each value: the decoder "
    r"gives $y$ and $u$, $\sigma_i^2(z) = 0.01^2 + e^{u_i}$, and $-\sum_i \tfrac12 (x_i-y_i)^2/\sigma_i^2 + "
    r"\log\sigma_i + \tfrac12\log 2\pi$. Where a pixel never changes, σ falls to its floor of 0.01, and the "
    "density is large.",
    "points_likelihood": r"$p(x|z)$ of real vectors. Gaussian: "
    r"$-\tfrac12\|x-y\|^2/s^2 - D\log s - \tfrac D2\log 2\pi$. Gaussian, σ(z) for each value: the decoder "
    r"gives $y$ and $u$, with $\sigma_i^2(z) = 0.01^2 + e^{u_i}$.",
    "likelihood_scale": r"$s$, the standard deviation of $p(x|z) = \mathcal{N}(y, s^2 I)$: a number, or "
    "`learned`. With $s = 1$ the model explains most of the variation in these data as noise.",
    "encoder_head": r"What the encoder gives beside $\mu$: $\log\sigma^2$, $\sigma^2$ through softplus, "
    r"a lower triangular $L$ with $\log L_{jj}^2$ on its diagonal ($z=\mu+L\varepsilon$, covariance "
    r"$LL^\top$, up to $J = 64$), $\log\sigma^2$ and a planar flow "
    r"($z = \mu + \sigma\odot f_4(\dots f_1(\varepsilon))$ with $f(t) = t + v\tanh(a^\top t + b)$; "
    r"Rezende and Mohamed 2015), weights, means and variances of a mixture "
    r"($q(z|x) = \sum_{c=1}^2 w_c\,\mathcal N(z;\,\mu_c, \mathrm{diag}\,\sigma_c^2)$: a mean over $q$ is "
    r"$\sum_c w_c$ times that over $z = \mu_c \pm \sigma_c\odot\varepsilon$, one of each), "
    r"$\sigma^2 = 1$ (then $\mathrm{KL} = \tfrac12\|\mu\|^2$), or "
    r"nothing ($z=\mu$, no KL, no bound). $\log\sigma^2$, or $\log L_{jj}^2$, is held within ±20; what is at "
    "a limit is counted above the curves. The KL of a flow and of a mixture is sampled, and they are "
    "differentiated automatically: an update takes several times as long.",
    "seed": r"Starts the split of the data, the initial weights, the order of the examples and the noise "
    r"$\varepsilon$: the same settings and seed give the same run, bit for bit.",
    "objective": r"What training maximises. **ELBO**: $\mathbb{E}_q\log p(x|z) - \beta\,\mathrm{KL}$; with "
    r"β = 0 no regulariser. **Importance-weighted**: "
    r"$\log\tfrac1K\sum_k p(x|z_k)\,(p(z_k)/q(z_k|x))^\beta$ with $K = M$, for β = 1 a bound nearer to "
    "log p(x) (Burda et al. 2016). **MMD**: "
    r"$\mathbb{E}_q\log p(x|z) - \beta D\,\mathrm{MMD}^2(q(z), p(z))$ holds all codes together to the "
    "prior, not each q(z|x): no bound (Zhao et al. 2017; from samples, kernel "
    r"$C/(C+\|z-z'\|^2)$, $C = 2J$). **Total correlation**: "
    r"$\mathrm{ELBO} - (\beta-1)\,\mathrm{KL}(q(z)\,\|\,\prod_j q(z_j))$, estimated from the mini-batch "
    "(Chen et al. 2018). Each is drawn beside the ELBO, which is measured all the same: dotted on held-out "
    "examples, dashed in training. What it has beside the ELBO's terms is measured with some of the held-out "
    "examples: the weighted bound with one K-th of them, MMD and total correlation with one mini-batch, 256 "
    "at most. All but the first are differentiated automatically: an update takes two to three times as "
    "long.",
    "beta": "β, the weight of the KL in what training maximises: E_q[log p(x|z)] − β KL(q(z|x) ‖ p(z)), or "
    "of what another objective has in its place. 1 is the ELBO, 0 an autoencoder. It acts at once, also in "
    "the middle of a run; the ELBO shown is always the one with β = 1.",
    "learning_rate": "η, the size of a step: θ ← θ + η ∇(objective). It acts at once, also in the middle of "
    "a run.",
    "speed": "The largest number of steps per second: slow motion for a class. It acts at once and changes "
    "no result. At 3 or fewer, and after **Step**, flow charts below the board light up stage by stage with "
    "the numbers of one example.",
    "prior": r"$p(z)$: $\mathcal{N}(0, I)$, or learned with the weights: a mixture "
    r"$\sum_k \pi_k\,\mathcal{N}(m_k, \mathrm{diag}\,s_k^2)$, or the VampPrior $\frac1K\sum_k q(z|u_k)$ with "
    "pseudo-inputs $u_k$ (Tomczak and Welling 2018). The KL to a learned one is estimated, mean of "
    r"$\log q(z|x) - \log p(z)$. It needs an encoder with a variance; see **Priors and weights**. "
    "A VampPrior fixes no scale of z: it widens with q.",
    "num_components": "$K$: pseudo-inputs of the VampPrior, or Gaussians of the mixture.",
    "num_epochs": "An epoch is one pass over the training data. Empty: training goes on until you stop it.",
    "batch_size": "$B$, examples per update.",
    "num_samples": r"$M$, samples in $\mathbb{E}_q[\log p(x|z)] \approx \tfrac1M\sum_m \log p(x|z_m)$. "
    "1 is usual. With the importance-weighted objective $K$, under one logarithm.",
    "optimizer": r"Adam adapts the step of every weight; SGD with momentum takes $v \leftarrow mv + g$.",
    "momentum": r"$m$ in $v \leftarrow m v + g$; 0 is plain SGD.",
    "beta_schedule": "Constant; or β rises from 0 during a warm-up, then stays; or it does so in each cycle.",
    "schedule_epochs": "Epochs of the warm-up, or of one cycle.",
    "free_bits": r"$\lambda$ in $\sum_j \max(\lambda, \mathrm{KL}_j)$: nats per latent dimension that cost "
    "nothing. 0: off. Of the objective ELBO.",
    "patience": "Stop when the validation ELBO has not risen for this many epochs, and take the weights of "
    "the best epoch. A tenth of the training part is set aside for it. Empty: never, and all of it is "
    "trained on. It is the ELBO whatever is maximised, since an objective falls by itself while β rises; "
    "with MMD or a large β it may fall while the objective still rises: leave patience empty then.",
}


def value(key: str) -> Any:
    """The control's value, or its default where the control is not on the page."""
    found = state.control(key)
    return PARAMETERS[key].default if found is None else found


def read_config(*, hold: bool = False) -> RunConfig:
    """The run that the controls describe.

    Raises:
        BadInput: A value cannot be used; one sentence says which and what to do.
    """
    return settings.config_of({key: value(key) for key in SETTINGS}, hold=hold)


def show_config(config: RunConfig) -> None:
    """Has the controls describe a run: before they are drawn, or in a callback."""
    for key, found in settings.values_of(config).items():
        state.set_control(key, found)


def pending() -> list[str]:
    """Names of the controls that differ from what the run in view began with, and wait for Start."""
    of_run = state.run_settings()
    if not of_run:
        return []
    try:
        now = settings.values_of(read_config())
    except BadInput:
        return []
    passed = (*LIVE, "points_likelihood" if _is_unit_interval() else "likelihood")
    passed += ("hidden",) if _is_conv() else ("channels",)
    return [name for key, name in NAMES.items() if key not in passed and now.get(key) != of_run.get(key)]


def next_run() -> None:
    """Draws the controls that make a new run; what they say acts on nothing else of the page before Start."""
    st.fragment(_next_run)(_takes_y())


def _next_run(takes_y: bool) -> None:
    if _takes_y() != takes_y:  # the formula of the dial for β has it, too
        st.rerun()
    _data_and_model()
    _training()
    state.draw_address("settings")


def _data_and_model() -> None:
    """Draws the controls of the data and of the model."""
    keys = ("dataset", "data_folder", "latent_dim", "hidden", "likelihood", "likelihood_scale")
    if _all_hidden(*keys, "encoder_head", "activation", "prior", "num_components", "seed"):
        return
    st.markdown("**Data and model** · for the next run")
    waiting = pending()
    if waiting:
        st.caption(f":material/schedule: Takes effect with the next **Start**: {', '.join(waiting)}.")
    _choose("dataset", data_menu.titles(value("dataset")))
    st.caption(plain(data_menu.sentence(value("dataset"), value("num_examples"))))
    if value("dataset") == "idx":
        image_folder.draw(IMAGE_KEYS, _options, state.hidden_controls())
    _made()
    _condition()
    _number("latent_dim")
    _layers()
    if _is_unit_interval():
        _choose("likelihood", labels_of(Likelihood))
    elif "likelihood" not in state.hidden_controls():
        # A menu of their own: the other one would overwrite what was chosen for images.
        _choose("points_likelihood", {name: LABELS[name] for name in REAL_VALUED})
    if _likelihood() == "gaussian":
        _text("likelihood_scale")
    _choose("encoder_head", labels_of(EncoderHead))
    _choose("activation", labels_of(Activation))
    if value("activation") in RECTIFIED and "activation" not in state.hidden_controls():
        _choose("initial_weights", labels_of(InitialWeights))
    _choose("prior", labels_of(Prior))
    if value("prior") != PARAMETERS["prior"].default:
        _number("num_components")
    _number("seed")


def _layers() -> None:
    """The networks; who hides the hidden layers hides the architecture, too, and who fixes them fixes it."""
    if "hidden" in state.hidden_controls():
        return
    if settings.has_images({"dataset": value("dataset")}) and "hidden" not in state.fixed_controls():
        _choose("architecture", labels_of(Architecture))
    if _is_conv():
        _text("channels")
    else:
        _text("hidden", placeholder="none: linear maps")
    _say_size()


def _made() -> None:
    """How the data are made or changed, where that can be chosen; who hides the data hides it, too."""
    if "dataset" in state.hidden_controls():
        return
    try:
        about = dataset_info(value("dataset"))
    except BadInput:  # whoever loads the data says what is wrong
        return
    if about.num_examples is not None:
        _number("num_examples", 100, placeholder=f"{about.num_examples:,}")
    if about.noise and "data_noise" not in state.hidden_controls():
        st.slider(min_value=0.0, max_value=MAX_NOISE, step=0.1, **_options("data_noise"))
        st.caption(f"Standard deviation {about.noise * value('data_noise'):.3g}")
    if about.kind == "images":
        _choose("binarised", labels_of(Binarised))


def _condition() -> None:
    """What y is, where the data have something that it may be; who hides the data hides it, too."""
    if "condition" in state.hidden_controls() or "dataset" in state.hidden_controls():
        return
    try:
        is_idx = value("dataset") == "idx"
        folder = settings.chosen_folder(value("data_folder"), value("data_set")) if is_idx else None
        has_classes, numbers = (
            num_classes(value("dataset"), folder=folder) > 0,
            numbers_known(value("dataset")),
        )
    except BadInput:  # whoever loads the data says what is wrong
        return
    offered = {"none": True, "class": has_classes, "number": bool(numbers)}
    options = {name: label for name, label in labels_of(Condition).items() if offered[name]}
    if value("condition") not in options and len(options) > 1:
        state.set_control("condition", "none")
    why = "" if len(options) > 1 else NO_CLASSES
    _choose("condition", labels_of(Condition) if why else options, frozen=why)
    if why:
        st.caption(why)
    elif value("condition") == "number":
        state.set_control("condition_on", settings.number_of({name: value(name) for name in _OF_NUMBER}))
        units = {name: f" ({unit})" if unit else "" for name, unit in numbers.items()}
        _choose("condition_on", {name: plain(name) + units[name] for name in numbers})


def _training() -> None:
    """Draws the controls of the training."""
    keys = (
        "objective",
        "batch_size",
        "num_samples",
        "optimizer",
        "momentum",
        "beta_schedule",
        "schedule_epochs",
    )
    if not _all_hidden(*keys, "free_bits"):
        with st.expander("Training"):
            _choose("objective", _objectives())
            _number("batch_size")
            _number("num_samples")
            if value("objective") == "importance_weighted":
                st.caption(K_HELP)
            _choose("optimizer", labels_of(Optimizer))
            if value("optimizer") == "sgd":
                _number("momentum", 0.05)
            _choose("beta_schedule", labels_of(BetaSchedule))
            if value("beta_schedule") != "constant":
                _number("schedule_epochs")
            if value("objective") == "elbo":
                _number("free_bits", 0.05)
    if not _all_hidden("num_epochs", "patience"):
        with st.expander("Stop"):
            _number("num_epochs", placeholder="until stopped")
            _number("patience", placeholder="never")


def beta_dial(on_change: Callback, *, frozen: str = "", note: str = "") -> None:
    """Draws the weight of the KL.

    Arguments:
        on_change: Called with no arguments about five times a second while it is dragged: draw it in a
            fragment.
        frozen: Why it cannot be changed; empty where it can.
        note: One sentence below it.
    """
    if "beta" not in state.hidden_controls():
        with st.container(key="beta"), st.container(key="beta_number"):
            _dial("beta", on_change, frozen=frozen, note=note)


def learning_rate_dial(on_change: Callback, *, frozen: str = "", note: str = "") -> None:
    """Draws the learning rate; the arguments are those of :func:`beta_dial`."""
    if "learning_rate" not in state.hidden_controls():
        with st.container(key="learning_rate"):
            _dial("learning_rate", on_change, frozen=frozen, note=note)


def _dial(key: str, on_change: Callback, *, frozen: str, note: str) -> None:
    limits = _range(key)
    name, newest = f"{key}_dial", f"{key}_sequence"
    said = state.control(newest)
    had = said if isinstance(said, int) else 0

    def take() -> None:
        found = moved(state.control(name), limits)
        # Where two messages cross, the later one of the hand counts.
        if found is None or found.sequence <= had:
            return
        state.set_control(key, found.value)
        state.set_control(newest, found.sequence)
        on_change()

    dial(
        NAMES[key],
        key=name,
        value=value(key),
        scale=BETA_SCALE if key == "beta" else LEARNING_RATE_SCALE,
        limits=limits,
        on_change=take,
        sequence=had,
        symbol=NAMES[key][-1],
        presets=BETAS if key == "beta" else (),
        help_text=_said(HELP[key]),
        frozen=_FIXED if key in state.fixed_controls() else frozen,
        note=note,
        large=state.is_presenting(),
    )
    state.draw_address(key)


def speed(on_change: Callback, *, frozen: str = "") -> None:
    """Draws the speed limit; the arguments are those of :func:`beta_dial`, but it acts on release."""
    if "speed" not in state.hidden_controls():
        st.select_slider(options=SPEEDS, on_change=on_change, **_options("speed", frozen=frozen))


def live_speed() -> float | None:
    """Most steps per second, or None for full speed."""
    speed = value("speed")
    return None if speed == "full" else float(speed)


def _is_unit_interval() -> bool:
    return settings.is_unit_interval({"dataset": value("dataset")})


def _is_conv() -> bool:
    return settings.architecture_of({key: value(key) for key in ("dataset", "architecture")}) == "conv"


def _say_size() -> None:
    """How many weights the model has, and the maps of its convolutions."""
    try:
        model = read_config().model
    except BadInput:  # said where it is started
        return
    maps = ""
    if model.architecture == "conv":
        maps = " → ".join(
            f"{height} × {width} × {channels}" for channels, height, width in model.feature_maps
        )
        maps = f"{maps} · "
    st.caption(f"{maps}{model.num_parameters:,} weights and biases")


def _likelihood() -> Likelihood:
    return settings.likelihood_of({key: value(key) for key in ("dataset", "likelihood", "points_likelihood")})


def _objectives() -> dict[str, str]:
    """Those that the model has, and the one that is chosen: what is wrong with it is said at Start."""
    refused = refused_objectives(value("encoder_head"), value("prior"), value("latent_dim"))
    names = labels_of(Objective)
    return {name: names[name] for name in names if name not in refused or name == value("objective")}


def _all_hidden(*keys: str) -> bool:
    return state.hidden_controls().issuperset(keys)


def _takes_y() -> bool:
    """Whether the next run is conditional, so that what is said of it has a y."""
    name, chosen = value("dataset"), value("condition")
    try:
        if chosen == "number":
            return bool(numbers_known(name))
        return chosen == "class" and (name == "idx" or num_classes(name) > 0)
    except BadInput:  # whoever loads the data says what is wrong
        return False


def _said(text: str) -> str:
    """Words and formulas as they are said of the next run."""
    return given_y(text) if _takes_y() else text


def _options(key: str, *, frozen: str = "") -> dict[str, Any]:
    """What every control has; one that cannot be changed is disabled and says why."""
    why = _FIXED if key in state.fixed_controls() else frozen
    name, said = _said(NAMES[key]), HELP[key] if key == "condition" else _said(HELP[key])
    return {
        "label": f"{name} :material/lock:" if why else name,
        "key": key,
        "help": f"{said} **{why}**" if why else said,
        "disabled": bool(why),
        "persist_state": "session",
    }


def _number(key: str, step: float = 1, *, placeholder: str | None = None) -> None:
    if key in state.hidden_controls():
        return
    low, high = _range(key)
    whole = isinstance(low, int)
    # None stays None; any other number is in the session before the box is drawn.
    empty = {"value": None} if PARAMETERS[key].default is None else {}
    form = "%d" if whole else DIGITS
    st.number_input(
        min_value=low,
        max_value=high,
        step=step,
        format=form,
        placeholder=placeholder,
        **empty,
        **_options(key),
    )


def _range(key: str) -> tuple[Any, Any]:
    kind = PARAMETERS[key].kind
    assert isinstance(kind, (Whole, Number)), key
    return kind.low, kind.high


def _text(key: str, *, placeholder: str = "") -> None:
    if key in state.hidden_controls():
        return
    kind = PARAMETERS[key].kind
    longest = kind.longest if isinstance(kind, Text) else None
    st.text_input(placeholder=placeholder, max_chars=longest, **_options(key))


def _choose(key: str, labels: Mapping[str, str], *, frozen: str = "") -> None:
    if key in state.hidden_controls():
        return
    st.selectbox(
        options=tuple(labels),
        format_func=lambda option: labels.get(option, option),
        **_options(key, frozen=frozen),
    )


def labels_of(options: Any) -> dict[str, str]:
    """Labels of the names of a ``Literal``."""
    return {name: LABELS[name] for name in get_args(options)}
