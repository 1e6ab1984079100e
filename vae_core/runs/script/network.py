"""The network of a run in its script: encoder, decoder, learned prior, optimiser."""

import math
from typing import Final

from vae_core.config import MIXTURE_COMPONENTS, RECTIFIED
from vae_core.networks import SMALL, conv_decoder_layers, conv_encoder_layers
from vae_core.runs.script.facts import Facts

_NETWORK: Final = '''\
def network(*sizes):
    """Parameters of linear layers: weights ~ N(0, {variance}){last}, biases 0."""
    pairs = list(pairwise(sizes))
    weights = [
        torch.randn(fan_out, fan_in, generator=generator) * ({gain} / math.sqrt(fan_in))
        for fan_in, fan_out in pairs
    ]
{small}    return [*weights, *(torch.zeros(fan_out) for _, fan_out in pairs)]


def forward(parameters, h):
    """h = f(W h + b) in each layer, f = {word}; no f after the last."""
    weights, biases = parameters[: len(parameters) // 2], parameters[len(parameters) // 2 :]
    for weight, bias in zip(weights[:-1], biases[:-1]):
        h = {activation}(F.linear(h, weight, bias))
    return F.linear(h, weights[-1], biases[-1])
'''

_LINEAR: Final = '''\
def network(*sizes):
    """Parameters of a linear map: weights ~ N(0, {variance}){last}, biases 0."""
    fan_in, fan_out = sizes
    weight = torch.randn(fan_out, fan_in, generator=generator) * ({gain} / math.sqrt(fan_in))
{small}    return [weight, torch.zeros(fan_out)]


def forward(parameters, h):
    """u = W h + b."""
    return F.linear(h, *parameters)
'''

_CONVOLUTIONS: Final = '''\
def network(*layers):
    """Parameters of layers, each a shape, fan_in and fan_out.

    Weights ~ N(0, {variance}){last}, biases 0.
    """
    weights = [
        torch.randn(shape, generator=generator) * ({gain} / math.sqrt(fan_in))
        for shape, fan_in, _ in layers
    ]
{small}    return [*weights, *(torch.zeros(fan_out) for _, _, fan_out in layers)]


def encode(x):
    """Convolutions of 4 x 4 pixels at every second pixel, f = {word} after each, and a linear layer."""
    weights, biases = encoder[: len(encoder) // 2], encoder[len(encoder) // 2 :]
{split}    h = x.reshape(-1, {height}, {width}, {channels}).permute(0, 3, 1, 2)
{convolutions}    h = h.permute(0, 2, 3, 1).reshape(*x.shape[:-1], {hidden})
    return F.linear(h, weights[-1], biases[-1])


def decode(z):
    """The mirror: a linear layer, and transposed convolutions with f = {word} before each."""
    weights, biases = decoder[: len(decoder) // 2], decoder[len(decoder) // 2 :]
    h = F.linear(z.reshape(-1, {dim}), weights[0], biases[0])
    h = h.view(-1, {first}).permute(0, 3, 1, 2)
    for weight, bias, odd in zip(weights[1:], biases[1:], {odd}):
        h = {activation}(h)
        h = F.conv_transpose2d(h, weight, bias, stride=2, padding=1, output_padding=odd)
    h = h.unflatten(1, ({per_value}, -1)).permute(0, 1, 3, 4, 2)
    return h.reshape(*z.shape[:-1], {outputs})
'''

_CONVOLVED: Final = """\
    for weight, bias in zip(weights[:-1], biases[:-1]):
        h = {activation}(F.conv2d(h, weight, bias, stride=2, padding=1))
"""

_CONVOLVED_WITH_Y: Final = """\
    for layer, (weight, bias) in enumerate(zip(weights[:-1], biases[:-1])):
        h = F.conv2d(h, weight, bias, stride=2, padding=1)
        if layer == 0:  # y is another bias
            h = h + F.linear(y.reshape(-1, {count}), of_y)[..., None, None]
        h = {activation}(h)
"""

_ACTIVATIONS: Final = {"tanh": "torch.tanh", "relu": "torch.relu", "silu": "F.silu", "softplus": "F.softplus"}


def network_of(facts: Facts) -> str:
    """The functions of the networks, the parameters as they begin, and what updates them."""
    model = facts.model
    is_rectified = model.activation in RECTIFIED
    is_small = is_rectified and model.initial_weights == "small_outputs"
    last = "weights[-1]" if model.hidden_dims else "weight"
    words = {
        "gain": "math.sqrt(2.0)" if is_rectified else "1.0",
        "variance": f"{2 if is_rectified else 1} / fan_in",
        "last": f", in the last layer times {SMALL}" if is_small else "",
        "small": f"    {last} *= {SMALL}\n" if is_small else "",
        "activation": _ACTIVATIONS[model.activation],
        "word": model.activation,
    }
    if facts.is_conv:
        networks = _CONVOLUTIONS.format(**words, **_of_convolutions(facts, words["activation"]))
        layers = (conv_encoder_layers(model), conv_decoder_layers(model))
        encoder, decoder = (", ".join(str(tuple(layer)) for layer in network) for network in layers)
    else:
        networks = (_NETWORK if model.hidden_dims else _LINEAR).format(**words)
        encoder, decoder = (str(sizes)[1:-1] for sizes in (model.encoder_sizes, model.decoder_sizes))
    lines = [
        "generator = torch.Generator().manual_seed(SEED)  # "
        + ("initial weights" if facts.is_cuda else "initial weights, order of the data, noise"),
        f"encoder = network({encoder})",
        f"decoder = network({decoder})",
    ]
    if model.not_gaussian:
        rows, what = f"{2 * model.latent_dim} :", "the flow begins near the identity"
        if facts.is_mixture:
            rows, what = f"-{MIXTURE_COMPONENTS} :", "the weights of the mixture begin nearly equal"
        lines.append(f"encoder[{len(model.hidden_dims)}][{rows}] *= {SMALL}  # {what}")
    order = ["*encoder", "*decoder"]
    if facts.is_conv and model.num_conditions:
        first = conv_encoder_layers(model)[0]
        drawn = f"torch.randn({first.num_biases}, {model.num_conditions}, generator=generator)"
        of_y = f"of_y = {drawn} * ({words['gain']} / math.sqrt({first.fan_in}))"
        lines[2:2] = ["# What y adds to the first convolution.", of_y]
        order.insert(0, "of_y")
    if model.learns_scale:
        lines.append("log_scale = torch.zeros(())  # log s, learned")
        order.insert(0, "log_scale")
    shape = f"NUM_COMPONENTS, {model.latent_dim if model.prior == 'mixture' else model.data_dim}"
    if model.prior == "mixture":
        lines += [
            f"means = math.sqrt(0.75) * torch.randn({shape}, generator=generator)",
            f"log_vars = torch.full(({shape}), math.log(0.25))",
            "mixture = [torch.zeros(NUM_COMPONENTS), means, log_vars]  # begins with the logits of pi",
        ]
        order.append("*mixture")
    elif model.prior == "vamp":
        lines.append(f"pseudo_inputs = torch.randn({shape}, generator=generator)")
        order.append("pseudo_inputs")
    if facts.is_cuda:
        lines.append('generator = torch.Generator("cuda").manual_seed(SEED)  # order of the data, noise')
    lines += [f"parameters = [{', '.join(order)}]", _optimizer(facts)]
    if model.likelihood == "gaussian" and not model.learns_scale:
        lines.append(f"scale = torch.tensor({model.likelihood_scale!r}{facts.device})  # s")
    return f"{networks}\n\n" + "\n".join(lines)


def _of_convolutions(facts: Facts, activation: str) -> dict[str, object]:
    """The sizes that stand in the functions of convolutions."""
    model = facts.model
    maps = model.feature_maps
    channels, height, width = maps[0]
    count = model.num_conditions
    convolutions = (_CONVOLVED_WITH_Y if count else _CONVOLVED).format(activation=activation, count=count)
    return {
        "split": f"    x, y = x.split(({model.data_dim}, {count}), -1)\n" if count else "",
        "convolutions": convolutions,
        **{"channels": channels, "height": height, "width": width, "dim": model.decoder_sizes[0]},
        **{"hidden": math.prod(maps[-1]), "outputs": model.decoder_sizes[-1]},
        "first": str((*maps[-1][1:], maps[-1][0]))[1:-1],
        "odd": [(rows % 2, columns % 2) for _, rows, columns in maps[-2::-1]],
        "per_value": model.outputs_per_value,
    }


def _optimizer(facts: Facts) -> str:
    rate = "LEARNING_RATE" if list(facts.rates.values) == [0] else "LEARNING_RATE[0]"
    to_cuda = '.to("cuda")' if facts.is_cuda else ""
    if facts.train.optimizer == "sgd":
        moved = f"    parameter.data = parameter.data{to_cuda}\n" if facts.is_cuda else ""
        made = f"optimizer = torch.optim.SGD(parameters, lr={rate}, momentum={facts.train.momentum!r})"
        return f"for parameter in parameters:\n{moved}    parameter.requires_grad_()\n{made}"
    # Adam's kernel rounds the last few numbers of a tensor in another way than the rest: one vector, in
    # the order of the app, is what makes the weights equal.
    return f"""\
# The parameters become views of one long vector, as in the app: one step of Adam for all of them.
vector = torch.cat([parameter.flatten() for parameter in parameters]){to_cuda}
vector.grad = torch.zeros_like(vector)
sizes = [parameter.numel() for parameter in parameters]
for parameter, values, slopes in zip(parameters, vector.split(sizes), vector.grad.split(sizes)):
    parameter.data = values.view_as(parameter)
    parameter.requires_grad_().grad = slopes.view_as(parameter)
optimizer = torch.optim.Adam([vector], lr={rate}, fused=True)"""
