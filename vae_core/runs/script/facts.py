"""What all parts of a script ask of its run."""

from vae_core.config import OF_BATCH, ModelConfig, RunConfig
from vae_core.data import Dataset
from vae_core.data.own import NAME
from vae_core.runs.by_step import settings_by_step
from vae_core.runs.observer import MAX_HELD_OUT
from vae_core.runs.runfile import Run
from vae_core.runs.script.posterior import written


class Facts:
    """What a run is, and what of it decides which lines its script has."""

    def __init__(self, run: Run, data: Dataset) -> None:
        self.run, self.data = run, data
        self.config: RunConfig = run.config
        self.model: ModelConfig = run.config.model
        self.train = run.config.train
        self.is_cuda = run.config.device == "cuda"
        self.is_deterministic = self.model.encoder_head == "deterministic"
        self.is_normal = self.model.prior == "standard_normal"
        self.is_conv = self.model.architecture == "conv"
        self.is_full = self.model.encoder_head == "full_covariance"
        self.is_mixture = self.model.encoder_head == "mixture"
        self.q = written(self.model.encoder_head)
        self.objective = self.train.maximised
        # What compares the z of a mini-batch keeps the dimension of the samples, also for one.
        self.compares = self.objective in OF_BATCH
        self.has_samples = self.compares or (self.train.num_samples > 1 and self.objective == "elbo")
        self.has_beta = not self.is_deterministic or self.objective != "elbo"
        self.is_scheduled = self.train.beta_schedule != "constant" and self.has_beta
        # It ended by itself, and no fork goes on from there: its script ends like it.
        self.has_patience = run.ended_at is not None and run.status in ("finished", "stopped_early")
        ended_at = run.ended_at if self.has_patience else None
        self.num_steps = run.step if ended_at is None else ended_at
        found = settings_by_step(run, len(data.x_train), num_steps=ended_at)
        self.live_beta, self.rates, self.seeds = found
        self.is_redrawn = run.config.binarised == "stochastic"
        self.is_idx = run.config.dataset == "idx"
        self.is_own = NAME.fullmatch(run.config.dataset) is not None
        self.is_observed_in_part = len(data.x_test) > MAX_HELD_OUT

    @property
    def device(self) -> str:
        """The argument that makes a tensor where the run was, empty on the processor."""
        return ', device="cuda"' if self.is_cuda else ""

    @property
    def noise(self) -> str:
        """The shape of eps but for the samples."""
        return self.q.noise.format(dim=self.model.latent_dim)

    @property
    def keeps_dimensions(self) -> bool:
        """Whether the KL stays apart by latent dimension, for the free bits of each."""
        return self.model.has_kl_parts and self.train.free_bits > 0
