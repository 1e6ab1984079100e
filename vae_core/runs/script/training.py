"""The training of a run in its script."""

from vae_core.runs.script.facts import Facts


def training_of(facts: Facts) -> str:
    """The loop over the mini-batches, with whatever was moved in the run at its step."""
    lines = ["step = epoch = 0"]
    if facts.is_scheduled and facts.live_beta.values:
        lines.append("live_beta = None")
    if facts.has_patience:
        lines.append("best, epochs_without_rise = -math.inf, 0")
    device = ", device=generator.device" if facts.is_cuda else ""
    lines += [
        "while step < NUM_STEPS:",
        *_new_seed(facts),
        "    # Each epoch takes the examples in a new order.",
        f"    order = torch.randperm(len(x_train), generator=generator{device})",
        "    for first in range(0, len(x_train), BATCH_SIZE):",
        *_new_order(facts, device),
        *_batch(facts),
        *(f"        {line}" for line in _update(facts)),
        "        step += 1",
        "        if step == NUM_STEPS:",
        "            break",
        "    epoch += 1",
        *_watch(facts),
        '    print(f"\\rstep {step} of {NUM_STEPS}, epoch {epoch}", end="", flush=True)',
    ]
    if facts.has_patience:
        lines += _take_best(facts)
    return (_schedule(facts) if facts.is_scheduled else "") + "\n".join(lines)


def _schedule(facts: Facts) -> str:
    epochs = facts.train.schedule_epochs
    if facts.train.beta_schedule == "linear":
        says = f"Rises from 0 to BETA during {epochs} epochs, then stays."
        value = f"BETA * min(1.0, epochs / {epochs})"
    else:
        says = f"Rises from 0 to BETA in the first half of every {epochs} epochs (Fu et al. 2019)."
        value = f"BETA * min(1.0, 2.0 * (math.fmod(epochs, {epochs}) / {epochs}))"
    return f'def scheduled_beta(epochs):\n    """{says}"""\n    return {value}\n\n\n'


def _new_seed(facts: Facts) -> list[str]:
    if not facts.seeds.values:
        return []
    return ["    if step in NEW_SEEDS:", "        generator.manual_seed(NEW_SEEDS[step])"]


def _new_order(facts: Facts, device: str) -> list[str]:
    if not facts.seeds.values:
        return []
    return [
        "        if first and step in NEW_SEEDS:  # what is left of this epoch comes in another order",
        "            generator.manual_seed(NEW_SEEDS[step])",
        "            rest = order[first:]",
        f"            rest = rest[torch.randperm(len(rest), generator=generator{device})]",
        "            order = torch.cat([order[:first], rest])",
    ]


def _batch(facts: Facts) -> list[str]:
    if facts.is_redrawn and facts.model.num_conditions:
        return [
            "        rows = order[first : first + BATCH_SIZE]",
            "        x = drawn_from(grey[rows], generator)",
            f"        x = torch.cat([x, x_train[rows, {facts.model.data_dim} :]], 1)",
        ]
    if facts.is_redrawn:
        return ["        x = drawn_from(grey[order[first : first + BATCH_SIZE]], generator)"]
    return ["        x = x_train[order[first : first + BATCH_SIZE]]"]


def _update(facts: Facts) -> list[str]:
    lines = []
    samples = ", NUM_SAMPLES" if facts.has_samples else ""
    if list(facts.rates.values) != [0]:
        lines += [
            'learning_rate = LEARNING_RATE.get(step, optimizer.param_groups[0]["lr"])',
            'optimizer.param_groups[0]["lr"] = learning_rate',
        ]
    if facts.objective != "elbo":
        lines += _other_objective(facts)
    elif facts.is_deterministic:
        lines.append(f"objective = reconstruction_of(x{samples}).mean()")
    else:
        beta, more = _beta(facts)
        lines += [*more, f"reconstruction, kl = elbo_terms(x, generator{samples})"]
        penalised = "kl.mean()"
        if facts.train.free_bits:
            by_dimension = facts.keeps_dimensions
            penalised = "penalty"
            lines.append(
                "penalty = kl.mean(0).clamp(min=FREE_BITS).sum()"
                if by_dimension
                else "penalty = kl.mean().clamp(min=FREE_BITS)"
            )
        lines.append(f"objective = reconstruction.mean() - {beta} * {penalised}")
    return [
        *lines,
        "optimizer.zero_grad()" if facts.train.optimizer == "sgd" else "vector.grad.zero_()",
        "(-objective).backward()",
        "optimizer.step()",
        *_limits(facts),
    ]


def _other_objective(facts: Facts) -> list[str]:
    """The lines that compute an objective that is not the ELBO."""
    beta, more = _beta(facts)
    if facts.objective == "importance_weighted":
        return [*more, f"objective = weighted_bound(x, generator, {beta}).mean()"]
    call = "elbo_terms(x, generator, NUM_SAMPLES)"
    if facts.objective == "total_correlation":
        return [
            *more,
            f"reconstruction, kl, z, q = {call}",
            "objective = (reconstruction - kl).mean()",
            f"objective = objective - ({beta} - 1) * total_correlation(*q, z)",
        ]
    names = "reconstruction, kl, z, q"
    if facts.is_deterministic:
        names, call = "reconstruction, z", "reconstruction_of(x, NUM_SAMPLES)"
    dims = facts.model.data_dim if facts.model.num_conditions else "x.shape[-1]"
    shape, weights = "z.shape", ""
    if facts.is_mixture:
        shape, weights = f"NUM_SAMPLES, {facts.noise}", ", q[0]"
    return [
        *more,
        f"{names} = {call}",
        f"drawn = torch.randn({shape}, generator=generator{facts.device})  # from the prior",
        f"objective = reconstruction.mean() - {beta} * {dims} * squared_mmd(z, drawn{weights})",
    ]


def _beta(facts: Facts) -> tuple[str, list[str]]:
    """The name of beta in the objective, and the lines that set it."""
    if facts.is_scheduled:
        scheduled = "scheduled_beta(epoch + first / len(x_train))"
        if not facts.live_beta.values:
            return "beta", [f"beta = {scheduled}"]
        return "beta", [
            "live_beta = LIVE_BETA.get(step, live_beta)",
            f"beta = {scheduled} if live_beta is None else live_beta",
        ]
    if list(facts.live_beta.values) == [0]:
        return "BETA", []
    return "beta", ["beta = BETA.get(step, beta) if step else BETA[0]"]


def _limits(facts: Facts) -> list[str]:
    """What has limits of its own is moved back to them after each update."""
    lines = []
    if facts.model.learns_scale:
        lines.append("log_scale.data.clamp_(min=math.log(1e-3))  # an exact decoder has s = 0")
    if facts.model.prior == "mixture":
        lines.append("log_vars.data.clamp_(-20.0, 20.0)")
    elif facts.model.prior == "vamp" and facts.model.is_unit_interval:
        lines.append("pseudo_inputs.data.clamp_(-16.0, 16.0)")
    return lines


def _watch(facts: Facts) -> list[str]:
    if not facts.has_patience:
        return []
    is_bound = not facts.is_deterministic
    part = "x_validation"
    watched = f"held_out_elbo({part}, seed=0)" if is_bound else f"held_out_reconstruction({part})"
    return [
        f"    watched = {watched}",
        "    epochs_without_rise += 1",
        "    if watched > best:",
        "        best, epochs_without_rise = watched, 0",
        f"        best_weights = {_copied(facts)}",
        "    if epochs_without_rise >= PATIENCE:",
        "        break",
    ]


def _copied(facts: Facts) -> str:
    if facts.train.optimizer == "sgd":
        return "[parameter.detach().clone() for parameter in parameters]"
    return "vector.clone()"


def _take_best(facts: Facts) -> list[str]:
    said = "# The weights are those of the epoch with the best validation ELBO."
    if facts.train.optimizer == "sgd":
        return [
            said,
            "for parameter, value in zip(parameters, best_weights):",
            "    parameter.data.copy_(value)",
        ]
    return [said, "vector.copy_(best_weights)"]
