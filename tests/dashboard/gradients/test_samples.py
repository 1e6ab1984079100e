"""C samples through the whole network, forward and back by hand, beside automatic differentiation."""

from typing import Any, get_args

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.gradients.formulas import formula_lines
from dashboard.gradients.network_pass import Pass, pass_of, steps_of
from tests.page_scripts import checked, name_of, numbers, open_page, runner
from vae_core.config import MIXTURE_COMPONENTS, EncoderHead, Likelihood, ModelConfig
from vae_core.model import VAE
from vae_core.posteriors import PlanarNormal

__all__ = ["runner"]  # a fixture
HEADS = [head for head in get_args(EncoderHead) if head != "deterministic"]


def passed(count: int, sample: int = 0, **settings: Any) -> Pass:
    config = ModelConfig(data_dim=4, hidden_dims=(3,), **settings)
    model = VAE(config, generator=torch.Generator().manual_seed(1)).double()
    x = torch.tensor([0.1, 0.9, 0.4, 0.7], dtype=torch.float64)
    return pass_of(model, x, 3, None, (2, 2), beta=0.7, num_samples=count, sample=sample)


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("head", HEADS)
def test_averaged_gradients_are_those_of_automatic_differentiation(
    head: EncoderHead, likelihood: Likelihood
) -> None:
    found = passed(4, encoder_head=head, likelihood=likelihood)
    assert found.difference < 1e-10
    assert found.samples.number == 4 * (MIXTURE_COMPONENTS if head == "mixture" else 1)
    assert found.samples.shares.sum() == pytest.approx(1)


def test_gradients_are_the_means_of_single_samples() -> None:
    """Each sample by itself, as a pass of its own with its noise: their mean by central differences."""
    config = ModelConfig(data_dim=4, hidden_dims=(3,))
    model = VAE(config, generator=torch.Generator().manual_seed(1)).double()
    x = torch.tensor([[0.1, 0.9, 0.4, 0.7]], dtype=torch.float64)
    found = pass_of(model, x[0], 3, None, (2, 2), num_samples=5)
    eps = torch.from_numpy(found.samples.eps)

    def loss() -> float:
        with torch.no_grad():
            q = model.posterior(x)
            z = q.mean + q.std * eps
            mean = model.likelihood(z).log_prob(x).mean()
            return float(q.as_normal().kl_to_standard_normal().sum() - mean)

    entry = next(one.entries for one in found.parameters if one.symbol == "W" and one.number == 2)
    assert entry is not None
    weight = model.encoder.weights[0]
    for place in ((0, 0), (2, 3)):
        with torch.no_grad():
            weight[place] += 1e-5
            high = loss()
            weight[place] -= 2e-5
            low = loss()
            weight[place] += 1e-5
        assert entry[0][place] == pytest.approx((high - low) / 2e-5, abs=1e-8)
    assert found.loss == pytest.approx(loss(), abs=1e-12)


@pytest.mark.parametrize("sample", [0, 2])
def test_the_decoder_shows_one_sample_and_the_encoder_the_mean(sample: int) -> None:
    found = passed(3, sample)
    latent = next(column for column in found.columns if column.kind == "latent")
    heads = next(column for column in found.columns if column.kind == "heads")
    assert latent.delta is not None
    assert heads.delta is not None
    np.testing.assert_allclose(latent.h, found.samples.z[sample], rtol=0, atol=1e-14)
    np.testing.assert_allclose(latent.delta, found.samples.delta_z[sample], rtol=0, atol=1e-14)
    expected = found.samples.delta_z.mean(0) + 0.7 * found.mean
    np.testing.assert_allclose(heads.delta[:2], expected, rtol=0, atol=1e-12)
    noise = np.diag(found.samples.mean_noise) * found.std / 2 + 0.7 * (found.std**2 - 1) / 2
    np.testing.assert_allclose(heads.delta[2:], noise, rtol=0, atol=1e-12)


def test_one_sample_is_the_pass_of_before() -> None:
    one, three = passed(1), passed(3)
    # Products of one row and of three may be summed in another order.
    np.testing.assert_allclose(one.z, three.samples.z[0], rtol=0, atol=1e-14)
    assert one.reconstruction == pytest.approx(float(three.samples.reconstructions[0]), abs=1e-12)


@pytest.mark.parametrize("head", HEADS)
def test_the_written_numbers_of_the_heads_add_up(head: EncoderHead) -> None:
    found = passed(3, encoder_head=head)
    steps = steps_of(found.columns)
    place = next(k for k, column in enumerate(found.columns) if column.kind == "heads")
    at = next(k for k, step in enumerate(steps) if step.goes_back and step.column == place)
    delta = found.columns[place].delta
    assert delta is not None
    for unit in range(len(delta)):
        lines = formula_lines(found, steps[at], unit)
        assert "sum_c" in lines[0]
        assert numbers(lines[1].replace("{\\cdot}", " "))[-1] == pytest.approx(float(delta[unit]), abs=1e-3)


def drawings(at: AppTest) -> list[bytes]:
    """What the elements of drawn networks are told: of the fan first, if it is there."""
    elements: Any = at.get("bidi_component")
    return [one.proto.bytes for one in elements if name_of(one.proto.component_name) == "drawn_network"]


def test_samples_are_fanned_out_on_the_page_and_a_click_shows_another() -> None:
    at = open_page("gradients", gradients_view="back_propagation")
    assert len(drawings(at)) == 1
    checked(at.number_input(key="bp_samples").set_value(3).run())
    fan, network = drawings(at)
    assert b"sample c = 3" in fan
    assert any("automatic differentiation" in success.value for success in at.success)
    at.session_state["bp_step"] = 5
    checked(at.run())
    network = drawings(at)[1]
    at.session_state["bp_sample"] = 2
    checked(at.run())
    other_fan, other_network = drawings(at)
    assert b"sample 3 in view" in other_fan
    assert other_network != network, "its decoder has the numbers of the third sample"


def test_the_layers_of_a_flow_have_the_slopes_of_automatic_differentiation() -> None:
    """t behind each layer, and dL/dt there, for the point in view."""
    found = passed(3, 2, encoder_head="flow")
    config = ModelConfig(data_dim=4, hidden_dims=(3,), encoder_head="flow")
    model = VAE(config, generator=torch.Generator().manual_seed(1)).double()
    x = torch.tensor([[0.1, 0.9, 0.4, 0.7]], dtype=torch.float64)
    q = model.posterior(x)
    assert isinstance(q, PlanarNormal)
    a, v, b = (part[0].detach() for part in q.flow)
    t, behind, log_det = torch.from_numpy(found.eps), [], torch.zeros((), dtype=torch.float64)
    for layer in range(len(a)):
        bent = torch.tanh(a[layer] @ t + b[layer])
        t = (t + v[layer] * bent).requires_grad_()
        log_det = log_det + torch.log1p(a[layer] @ v[layer] * (1 - bent**2))
        behind.append(t)
    z = q.centre + torch.exp(0.5 * q.log_var) * t
    loss = -model.likelihood(z).log_prob(x) - 0.7 * (log_det + model.prior.log_prob(z))
    for layer, slope in zip(found.flow, torch.autograd.grad(loss.sum(), behind), strict=True):
        np.testing.assert_allclose(layer.delta, slope.numpy(), rtol=0, atol=1e-12)
    for layer, t in zip(found.flow, behind, strict=True):
        np.testing.assert_allclose(layer.after, t.detach().numpy(), rtol=0, atol=1e-12)
    assert sum(layer.log_det for layer in found.flow) == pytest.approx(float(log_det.detach()), abs=1e-12)
    columns = [column for column in found.columns if column.kind == "flow"]
    assert [column.number for column in columns] == [1, 2, 3, 4]
    labels = [step.label for step in steps_of(found.columns)]
    assert [label for label in labels if "t" in label] == [
        *(f"t⁽{n}⁾" for n in "¹²³⁴"),
        *(f"δt⁽{n}⁾" for n in "⁴³²¹"),
    ]


@pytest.mark.parametrize("sample", range(4))
def test_of_a_mixture_the_point_in_view_is_made_of_its_component(sample: int) -> None:
    found = passed(2, sample, encoder_head="mixture")
    component = sample // 2
    assert found.samples.component == component
    heads, latent = (next(one for one in found.columns if one.kind == kind) for kind in ("heads", "latent"))
    assert latent.made_of == ((2 * component, 4 + 2 * component), (2 * component + 1, 5 + 2 * component))
    assert found.weights is not None
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    mean, std = (part[2 * component : 2 * component + 2] for part in (found.mean, found.std))
    np.testing.assert_allclose(found.z, mean + std * found.eps, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.samples.eps[0], -found.samples.eps[2], rtol=0, atol=0)
    assert heads.card(8) == [("u", heads.u[8]), ("w", found.weights[0])]
    assert [symbol for symbol, _ in heads.card(7)] == ["φ²", "σ²"]
    assert (heads.unit_index(7), heads.unit_index(9)) == (2, 2)


def test_of_a_mixture_there_is_a_card_for_each_component_on_the_page() -> None:
    at = open_page("gradients", gradients_view="back_propagation")
    checked(at.selectbox(key="bp_head").set_value("mixture").run())
    assert any("One z of each component" in one.value for one in at.markdown)
    fan, network = drawings(at)
    assert b"component 2" in fan
    assert b"means by the weights w" in fan
    at.session_state["bp_step"] = 5
    at.session_state["bp_sample"] = 1
    checked(at.run())
    assert drawings(at)[1] != network, "its decoder has the numbers of the second component"
    checked(at.number_input(key="bp_samples").set_value(2).run())
    assert b"component 2, sample 2" in drawings(at)[0]
    assert any("automatic differentiation" in success.value for success in at.success)
