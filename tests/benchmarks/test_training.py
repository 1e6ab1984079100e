"""The benchmark compares like with like, and its figures can be read by a program."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import training
from benchmarks.plain_loop import Feed, MatrixProducts, PlainLoop, PlainVAE, plain_loss
from benchmarks.report import interleaved, pairwise, spread, table
from vae_core.config import ModelConfig, TrainConfig
from vae_core.elbo import elbo_terms_given_eps
from vae_core.model import VAE


def _same_weights(model: VAE, config: ModelConfig) -> PlainVAE:
    plain = PlainVAE(config).double()
    heads = zip(model.encoder.weights[1].chunk(2), model.encoder.biases[1].chunk(2), strict=True)
    parameters = (
        (plain.encoder_hidden, (model.encoder.weights[0], model.encoder.biases[0])),
        *zip((plain.mean, plain.log_var), heads, strict=True),
        (plain.decoder_hidden, (model.decoder.weights[0], model.decoder.biases[0])),
        (plain.decoder_output, (model.decoder.weights[1], model.decoder.biases[1])),
    )
    with torch.no_grad():
        for layer, (weight, bias) in parameters:
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    return plain


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_plain_loss_is_minus_our_elbo(activation: str, generator: torch.Generator) -> None:
    config = ModelConfig.from_dict(
        {"data_dim": 12, "latent_dim": 3, "hidden_dims": (7,), "activation": activation}
    )
    model = VAE(config, generator=generator).double()
    for bias in (*model.encoder.biases, *model.decoder.biases):
        torch.nn.init.normal_(bias, generator=generator)
    x = torch.rand(5, 12, generator=generator, dtype=torch.float64)
    eps = torch.randn(1, 5, 3, generator=generator, dtype=torch.float64)
    ours = elbo_terms_given_eps(model, x, model.posterior(x), eps).elbo.sum()
    plain = plain_loss(_same_weights(model, config), x, eps[0])
    assert plain.item() == pytest.approx(-ours.item(), rel=1e-9)


def test_plain_loop_learns_and_repeats(generator: torch.Generator) -> None:
    x = torch.rand(50, 6, generator=generator).round()
    losses = []
    for _ in range(2):
        config = ModelConfig(data_dim=6, hidden_dims=(8,))
        loop = PlainLoop(config, TrainConfig(batch_size=16, learning_rate=0.02), x[:40], seed=3)
        before, steps = loop.held_out_loss(x[40:]), loop.steps()
        step_losses = [next(steps) for _ in range(20 * loop.steps_per_epoch)]
        losses.append((before, loop.held_out_loss(x[40:]), *step_losses))
    assert losses[0] == losses[1]
    assert sum(losses[0][-10:]) < sum(losses[0][2:12])


def _figures(printed: str) -> dict[str, dict[str, Any]]:
    return json.loads(printed.splitlines()[-1])


def test_quick_run_prints_all_figures(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    assert training.main(["--quick"]) == 0
    assert torch.get_num_threads() == threads
    printed = capsys.readouterr().out
    assert "MNIST was left out" in printed
    assert "64-128-2-128-64" in printed
    figures = _figures(printed)
    assert figures.keys() == {"machine", "effort", "digits"}
    assert figures["machine"].keys() == {"processors", "vector_instructions", "system", "python", "torch"}
    digits = figures["digits"]
    assert digits.keys() == {"batch_64_threads_1", "held_out_loss"}
    speeds = digits["batch_64_threads_1"]
    assert set(speeds) == {"ours", "observed", "automatic", "loader", "tensor", "products"}
    for loop, speed in speeds.items():
        low, median, high = (speed["times_ours"][key] for key in ("min", "median", "max"))
        assert 0 < low <= median <= high < math.inf, loop
        assert 0 < speed["ms_per_step"] < math.inf, loop
    assert speeds["ours"]["times_ours"] == {"min": 1.0, "median": 1.0, "max": 1.0}
    held_out = digits["held_out_loss"]
    assert len(held_out["ours"]) == len(held_out["plain"]) == figures["effort"]["seeds"]


def _write_idx(path: Path, count: int, generator: torch.Generator) -> None:
    pixels = torch.randint(0, 256, (count, 6, 5), generator=generator, dtype=torch.uint8)
    sizes = b"".join(size.to_bytes(4, "big") for size in pixels.shape)
    path.write_bytes(bytes((0, 0, 8, 3)) + sizes + pixels.numpy().tobytes())


def test_folder_adds_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], generator: torch.Generator
) -> None:
    _write_idx(tmp_path / "train-images-idx3-ubyte", 300, generator)
    _write_idx(tmp_path / "t10k-images-idx3-ubyte", 100, generator)
    assert training.main([str(tmp_path), "--quick"]) == 0
    printed = capsys.readouterr().out
    assert "left out" not in printed
    assert str(tmp_path) not in printed
    assert "30-400-20-400-30" in printed
    images = _figures(printed)["images"]
    assert images.keys() == {"batch_128_threads_1", "held_out_loss"}
    assert images["batch_128_threads_1"]["images"]["times_ours"]["min"] > 0


def test_every_feed_gives_each_example_once_an_epoch(generator: torch.Generator) -> None:
    pixels = torch.randint(0, 256, (10, 3, 2), generator=generator, dtype=torch.uint8)
    floats = pixels.float().div(255).flatten(1)
    config, train = ModelConfig(data_dim=6, hidden_dims=(4,)), TrainConfig(batch_size=4)
    feeds: tuple[tuple[Feed, torch.Tensor], ...] = (
        ("images", pixels),
        ("loader", floats),
        ("tensor", floats),
    )
    for feed, x in feeds:
        loop = PlainLoop(config, train, x, seed=0, feed=feed)
        batches = list(loop._batches()())
        assert [len(batch) for batch in batches] == [4, 4, 2], feed
        assert loop.steps_per_epoch == 3, feed
        found = torch.cat(batches)
        assert torch.equal(found.unique(dim=0), floats.unique(dim=0)), feed
        assert math.isfinite(next(loop.steps())), feed


def test_the_products_are_those_of_an_update() -> None:
    """Two layers in each network: 2 N flops for each weight in u, dL/dW and dL/dh, but not dL/dx."""
    config = ModelConfig(data_dim=9, hidden_dims=(5,), latent_dim=2)
    products = MatrixProducts(config, 7)
    assert len(products) == 11
    flops = sum(2 * a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in products._products)
    weights = 9 * 5 + 5 * 4 + 2 * 5 + 5 * 9
    assert flops == 2 * 7 * (3 * weights - 9 * 5)
    products()


def test_bad_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert training.main([str(tmp_path / "nowhere")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "the folder of the IDX files does not exist; check its spelling.\n"


def test_candidates_take_turns() -> None:
    calls: list[str] = []
    candidates = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    rates = interleaved(2, candidates, seconds=1e-4)
    turns = [call for call, before in zip(calls, ["", *calls], strict=False) if call != before]
    assert turns == ["a", "b"] * 3, "the warm-up and two rounds"
    assert all(len(values) == 2 and min(values) > 0 for values in rates.values())


def test_figures_are_summarised_round_by_round() -> None:
    assert spread(pairwise([2.0, 9.0, 4.0], [1.0, 3.0, 1.0])) == (2.0, 3.0, 4.0)
    assert table([["a", "b"], ["long", "1"], ["c", "22"]]) == "a      b\nlong   1\nc     22"
