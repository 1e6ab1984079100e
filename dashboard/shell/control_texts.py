"""What the controls start with and what they say: labels of options, tooltips with symbol and formula."""

from typing import Any, Final

DEFAULTS: Final[dict[str, Any]] = {
    "dataset": "digits",
    "data_folder": "",
    "latent_dim": 2,
    "hidden": "128",
    "activation": "tanh",
    "likelihood": "bernoulli",
    "likelihood_scale": "0.2",
    "encoder_head": "log_variance",
    "seed": 0,
    "beta": 1.0,
    "learning_rate": 2e-3,
    "speed": "full",
    "num_epochs": 300,
    "batch_size": 64,
    "num_samples": 1,
    "optimizer": "adam",
    "momentum": 0.9,
    "beta_schedule": "constant",
    "schedule_epochs": 20,
    "free_bits": 0.0,
    "patience": 0,
}
LABELS: Final = {
    "log_variance": "log σ² (no constraint)",
    "variance": "σ² through softplus",
    "unit_variance": "σ² = 1, fixed",
    "deterministic": "none: z = μ (autoencoder)",
    "bernoulli": "Bernoulli",
    "continuous_bernoulli": "continuous Bernoulli",
    "gaussian": "Gaussian",
    "tanh": "tanh",
    "relu": "ReLU",
    "silu": "SiLU",
    "softplus": "softplus",
    "adam": "Adam",
    "sgd": "SGD with momentum",
    "constant": "constant",
    "linear": "linear warm-up",
    "cyclical": "cyclical",
}
HELP: Final = {
    "dataset": "The data $x$. A part is held out: the model never trains on it, and the thick curves are "
    "measured on it.",
    "data_folder": "A folder on the server with IDX files, plain or .gz: `train-images-idx3-ubyte`, "
    "`train-labels-idx1-ubyte` and the `t10k-…` pair.",
    "latent_dim": r"$J$, the number of latent dimensions: $z \in \mathbb{R}^J$. "
    "With 2 the latent space is a plane.",
    "hidden": "Sizes of the encoder's hidden layers, for instance `128` or `400, 200`; the decoder mirrors "
    "them. Empty: linear maps.",
    "activation": "$f$ of the hidden layers, $h = f(Wx + b)$.",
    "likelihood": r"$p(x|z)$. Bernoulli: $\sum_i x_i\log y_i + (1-x_i)\log(1-y_i)$. Continuous Bernoulli: "
    r"the same, normalised to a density for grey pixels. Gaussian: "
    r"$-\tfrac12\|x-y\|^2/s^2 - D\log s - \tfrac D2\log 2\pi$.",
    "likelihood_scale": r"$s$, the standard deviation of $p(x|z) = \mathcal{N}(y, s^2 I)$: a number, or "
    "`learned`. With the 1 of the documents these data are mostly noise to the model.",
    "encoder_head": r"What the encoder gives beside $\mu$: $\log\sigma^2$, $\sigma^2$ through softplus, "
    r"$\sigma^2 = 1$ (then $\mathrm{KL} = \tfrac12\|\mu\|^2$), or nothing ($z=\mu$, no KL, no bound).",
    "seed": r"Starts the split of the data, the initial weights, the order of the data and the noise "
    r"$\varepsilon$: the same settings and seed give the same run, bit for bit.",
    "beta": r"$\beta$, the weight of the KL in what training maximises: "
    r"$\mathbb{E}_q[\log p(x|z)] - \beta\,\mathrm{KL}(q(z|x)\,\|\,p(z))$. 1 is the ELBO, 0 an autoencoder. "
    r"It acts at once, also in the middle of a run; the ELBO shown is always the one with $\beta = 1$.",
    "learning_rate": r"$\eta$, the size of a step: $\theta \leftarrow \theta + \eta\,\nabla_\theta(\ldots)$. "
    "It acts at once, also in the middle of a run.",
    "speed": "Most steps per second: slow motion for a class. It acts at once and changes no number. At 3 or "
    "fewer, and after **Step**, flow charts below the board light up stage by stage with the numbers of "
    "one datum.",
    "num_epochs": "An epoch is one pass over the training data.",
    "batch_size": "$B$, data per step.",
    "num_samples": r"$M$, samples in $\mathbb{E}_q[\log p(x|z)] \approx \tfrac1M\sum_m \log p(x|z_m)$. "
    "1 is usual.",
    "optimizer": r"Adam adapts the step of every weight; SGD with momentum takes $v \leftarrow mv + g$.",
    "momentum": r"$m$ in $v \leftarrow m v + g$; 0 is plain SGD.",
    "beta_schedule": "Constant; or β rises from 0 during a warm-up; or it rises and stays, again and again.",
    "schedule_epochs": "Epochs of the warm-up, or of one cycle.",
    "free_bits": r"$\lambda$ in $\sum_j \max(\lambda, \mathrm{KL}_j)$: nats per latent dimension that cost "
    "nothing. 0: off.",
    "patience": "Stop when the held-out ELBO has not risen for this many epochs. 0: never.",
}
