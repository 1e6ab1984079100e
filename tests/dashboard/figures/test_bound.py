"""Figures of the bound: pieces that join end to end, contours and ellipses to scale, frames that play."""

import base64
from typing import Any, get_args

import numpy as np
import pytest

from dashboard.figures.classes import class_colour
from dashboard.figures.contours import contour_traces
from dashboard.figures.em import EmPath, LineScene, PlaneScene, em_figure, outlines
from dashboard.figures.evidence import bound_figure, gap_figure, importance_figure
from dashboard.figures.posterior import MASSES, Ellipse, posterior_figure, rings_of
from dashboard.figures.rates import collapse_figure, rate_distortion_figure, surgery_figure
from dashboard.figures.walk import MAX_FRAMES, Walk, walk_figure
from dashboard.theme import CONCEPTS, ThemeName

THEMES = get_args(ThemeName)
AXIS = np.linspace(-3, 3, 61)
BELL = -0.5 * (AXIS[:, None] ** 2 + 4 * AXIS**2)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("best", "lengths"), [(None, (2.0,)), (-11.5, (0.5, 1.5))])
def test_gap_pieces_reach_from_the_elbo_to_the_evidence(
    theme: ThemeName, best: float | None, lengths: tuple[float, ...]
) -> None:
    figure = bound_figure(-12.0, best, -10.0, theme=theme)
    bars: list[Any] = list(figure.data)
    ends = [bar["base"][0] + bar["x"][0] for bar in bars]
    assert ends[0] == pytest.approx(-12)
    assert ends[-1] == pytest.approx(-10)
    assert [bar["x"][0] for bar in bars[1:]] == pytest.approx(lengths)
    assert figure.to_dict()["layout"]["shapes"][0]["x0"] == -10


def test_the_parts_of_a_gap_sum_to_it_in_the_digits_that_are_shown() -> None:
    """Of −21.891, −21.8635 and −21.801 they were 0.028 and 0.063, of a gap of 0.090."""
    bars: list[Any] = list(bound_figure(-21.891, -21.8635, -21.801, theme="light").data)
    first, second = (float(bar["name"].split("<b>")[1].removesuffix("</b>")) for bar in bars[1:])
    assert first + second == pytest.approx(0.090, abs=1e-9)


@pytest.mark.parametrize("apart", [0.0, 2.0, 6.0])
def test_rings_hold_the_mass_of_the_ellipses_whatever_the_shape(apart: float) -> None:
    """Of two Gaussians, the second half as wide along one axis; where they are equal, the ellipses."""
    noise = np.random.default_rng(0)
    means, stds = np.array([[0, 0], [apart, 1]]), np.array([[1, 1], [0.5, 1]])
    if not apart:
        means, stds = np.zeros((2, 2)), np.ones((2, 2))

    def density(z: Any) -> Any:
        squares = (((z[..., None, :] - means) / stds) ** 2).sum(-1)
        return (np.exp(-squares / 2) / stds.prod(-1) * [0.4, 0.6]).sum(-1)

    axes = [
        np.unique(np.concatenate([m + s * np.linspace(-4, 4, 51) for m, s in zip(*pair, strict=True)]))
        for pair in zip(means.T, stds.T, strict=True)
    ]
    rings = rings_of(axes, np.log(density(np.stack(np.meshgrid(*axes, indexing="ij"), -1))))
    which = (noise.random(50_000) < 0.6).astype(int)
    drawn = density(means[which] + stds[which] * noise.normal(size=(50_000, 2)))
    for mass, ring in zip(MASSES, rings, strict=True):
        points = ring[~np.isnan(ring[:, 0])]
        levels = density(points)
        assert levels.max() / levels.min() < 1.02, "it is a curve of equal density"
        assert (drawn > np.median(levels)).mean() == pytest.approx(mass, abs=0.01)
    if not apart:
        assert np.allclose(np.hypot(*rings[0].T), 1, atol=0.02)
    assert int(np.isnan(rings[1][:, 0]).sum()) == (1 if apart == 6 else 0), "a part round each mode"


def test_ellipse_has_one_and_two_deviations_in_units_of_the_axes() -> None:
    q = Ellipse(np.array([0.5, -0.2]), np.array([0.3, 0.1]))
    figure = posterior_figure([AXIS, AXIS], BELL, {"q": q}, titles=["a", "b"], theme="light")
    contour, ellipse = list(figure.data)  # type: ignore[arg-type]
    away = np.hypot((ellipse["x"] - 0.5) / 0.3, (ellipse["y"] + 0.2) / 0.1)
    assert np.allclose(away[:73], 1)
    assert np.allclose(away[74:], 2)
    assert figure.to_dict()["layout"]["yaxis"]["scaleanchor"] == "x"
    # The first latent dimension lies along x: Plotly's rows are y.
    assert np.allclose(contour["z"], np.exp(BELL - BELL.max()).T, atol=0.03), "a Gaussian: its density"


def test_a_low_mode_beside_a_high_one_is_in_the_picture() -> None:
    """Half of the mass in each, one a fiftieth as wide along both axes: 2500 times as high."""
    at = AXIS[1] - AXIS[0]
    density = np.exp(-0.5 * ((AXIS[:, None] - 1) ** 2 + AXIS**2) / 0.25) / (2 * np.pi * 0.25)
    density[10, 30] += 1 / at**2
    figure = posterior_figure([AXIS, AXIS], np.log(density / 2), {}, titles=["a", "b"], theme="light")
    (contour,) = list(figure.data)  # type: ignore[arg-type]
    shown = contour["z"].T
    assert shown[10, 30] == 1
    assert shown[40, 30] == pytest.approx(0.5, abs=0.02), "the middle of the other mode"
    low, high = figure.to_dict()["layout"]["xaxis"]["range"]
    assert low < AXIS[10]
    assert high > 2


def test_line_has_curves() -> None:
    q = Ellipse(np.array([0.0]), np.array([1.0]))
    figure = posterior_figure([AXIS], -0.5 * AXIS**2, {"q": q}, titles=["z"], theme="dark")
    posterior, curve = list(figure.data)  # type: ignore[arg-type]
    assert np.allclose(curve["y"], np.exp(-0.5 * AXIS**2) / np.sqrt(2 * np.pi))
    assert np.allclose(posterior["y"], np.exp(-0.5 * AXIS**2))


def ring_areas(trace: Any) -> list[float]:
    """Signed areas of the closed rings of a trace, which NaN parts (the shoelace formula)."""
    points = np.stack([trace["x"], trace["y"]], axis=1)
    parts = np.split(points, np.nonzero(np.isnan(points[:, 0]))[0])
    rings = [part[~np.isnan(part[:, 0])] for part in parts]
    return [float((r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]).sum() / 2) for r in rings if len(r)]


STYLE: dict[str, Any] = {"shades": ["#111111"] * 3, "line": {"width": 1}, "says": ["a", "b", "c"]}


def test_contours_enclose_what_is_above_each_level() -> None:
    radius = np.hypot(AXIS[:, None], AXIS)
    everything, *discs = contour_traces([AXIS, AXIS], -(radius**2), [-np.inf, -4.0, -1.0], **STYLE)
    assert sum(ring_areas(everything)) == pytest.approx(36)
    assert [sum(ring_areas(disc)) for disc in discs] == pytest.approx([4 * np.pi, np.pi], rel=0.01)
    rim = -((radius - 1.5) ** 2)
    annulus, nowhere = contour_traces([AXIS, AXIS], rim, [-5.0, -0.25, 1.0], **STYLE)[1:]
    assert len(ring_areas(annulus)) == 2
    assert min(ring_areas(annulus)) < 0, "a hole runs the other way round"
    assert sum(ring_areas(annulus)) == pytest.approx(np.pi * (2**2 - 1**2), rel=0.01)
    assert ring_areas(nowhere) == []


def test_contours_have_the_first_dimension_along_x() -> None:
    field = -((AXIS[:, None] - 1) ** 2) - 4 * AXIS**2
    trace: Any = contour_traces([AXIS, AXIS], field, [-9.0, -4.0, -1.0], **STYLE)[2]
    ends = [np.nanmin(trace["x"]), np.nanmax(trace["x"]), np.nanmax(trace["y"])]
    assert ends == pytest.approx([0, 2, 0.5], abs=0.01)


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_walk_plays_from_the_encoder_to_the_best(latent_dim: int) -> None:
    steps = 150
    axes = None if latent_dim == 3 else [AXIS] * latent_dim
    density = {1: -0.5 * AXIS**2, 2: BELL, 3: None}[latent_dim]
    climb = -1 / (1 + np.arange(steps))
    means, stds = np.zeros((steps, latent_dim)), np.full((steps, latent_dim), 0.5)
    qs = [Ellipse(mean, std) for mean, std in zip(means, stds, strict=True)]
    walk = Walk(axes, density, qs, climb, None if latent_dim == 3 else 0.2)
    figure = walk_figure(walk, theme="light")
    if latent_dim == 3:
        assert not figure.frames
        return
    frames: list[Any] = list(figure.frames)
    names = [int(frame.name) for frame in frames]
    assert names[0] == 0
    assert names[-1] == steps - 1
    assert names == sorted(set(names))
    assert len(names) <= MAX_FRAMES
    (note,) = figure.layout.annotations
    axis = figure.layout[note.yref.replace("y", "yaxis")]
    assert note.yanchor == "bottom", "above log p(x), where F never comes"
    assert axis.range[1] > note.y == 0.2 > axis.range[0]
    assert axis.range[0] < climb.min()
    last = frames[-1].data[1]
    assert (last["x"][0], last["y"][0]) == (steps - 1, climb[-1])
    moving: list[Any] = [figure.data[number] for number in frames[0].traces]
    assert [trace["mode"] for trace in moving] == ["lines", "markers"]
    assert moving[0]["name"].startswith("q(z|x)")


def test_rate_and_distortion_have_lines_of_one_elbo() -> None:
    figure = rate_distortion_figure(np.array([0.0, 2.0, 3.0]), np.array([48.0, 25.0, 21.0]), theme="light")
    lines = [trace for trace in figure.data if trace.line and trace.line.dash == "dot"]
    assert len(lines) >= 2
    bottom, top = figure.to_dict()["layout"]["yaxis"]["range"]
    for line in lines:
        sums = np.add(line["x"], line["y"])
        assert sums[0] == pytest.approx(sums[1])
        is_cut = line["y"][0] > top - 0.08 * (top - bottom)
        assert line["text"][0] == ("" if is_cut else f"ELBO {-sums[0]:.0f}".replace("-", "−"))
    still = rate_distortion_figure(np.array([1.0]), np.array([5.0]), theme="dark")
    assert still.data, "one measurement is enough to draw"


def test_parts_and_numbers_are_those_given() -> None:
    parts = {"a": 2.0, "b": 0.5, "c": 0.25}
    figure = surgery_figure(parts, dict.fromkeys(parts, 0.01), theme="light")
    assert [bar["x"][0] for bar in figure.data] == [2.0, 0.5, 0.25]  # type: ignore[index]
    figure = collapse_figure(np.array([1.0, 0.0]), np.array([0.9, 0.1]), theme="light")
    assert [list(bar["y"]) for bar in figure.data] == [[1, 0], [0.9, 0.1]]  # type: ignore[index]
    figure = importance_figure((1, 10), np.array([-2.0, -1.0]), np.array([0.1, 0.05]), elbo=-2.0,
                               log_evidence=-0.9, theme="light")  # fmt: skip
    assert list(figure.data[0]["y"]) == [-2, -1]  # type: ignore[index]
    assert [shape["y0"] for shape in figure.to_dict()["layout"]["shapes"]] == [-2.0, -0.9]
    figure = gap_figure(np.array([0.0, 1.0, 2.0]), "gap", theme="light")
    assert figure.to_dict()["layout"]["shapes"][0]["x0"] == 1.0


def test_outlines_are_two_standard_deviations_from_their_means() -> None:
    draw = np.random.default_rng(0).normal(size=(3, 4, 2, 2))
    covariances, means = draw @ draw.swapaxes(-1, -2) + np.eye(2), draw[..., 0]
    away = outlines(means, covariances) - means[:, :, None]
    squares = np.einsum("skpi,skij,skpj->skp", away, np.linalg.inv(covariances), away)
    np.testing.assert_allclose(squares, 4.0, rtol=1e-9)
    assert np.ptp(np.arctan2(away[..., 1], away[..., 0]), axis=-1).min() > 6, "all the way round"


def test_other_starts_are_one_trace_with_gaps_between_them() -> None:
    plane = PlaneScene(np.zeros((4, 2)), np.zeros((3, 1, 5, 2)), np.zeros((2, 4), dtype=int), ["a", "b"])
    path = EmPath(plane, np.array([-3.0, -2.0, -1.5]), np.array([-2.5, -1.8]))
    others = [np.array([-4.0, -3.0, -2.0]), np.array([-5.0, -2.5, -1.0])]
    figures = [em_figure(path, some, theme="light") for some in ([], others)]
    assert [len(figure.data) for figure in figures] == [5, 6]
    faint = next(trace for trace in figures[1].data if trace.line and trace.line.width == 1.5)
    for values, part in zip(others, np.split(np.stack([faint.x, faint.y]), 2, axis=1), strict=True):
        np.testing.assert_array_equal(part, [[0, 1, 2, np.nan], [*values, np.nan]])


def test_an_em_figure_keeps_its_bars_and_moves_its_curves() -> None:
    scene = LineScene(
        bars=np.array([0.0, 1.0]),
        heights=np.array([0.25, 0.75]),
        width=0.8,
        line=np.array([0.0, 1.0]),
        parts=np.array([[[0.1, 0.2]], [[0.3, 0.4]]]),
        points=np.empty(0),
        owners=np.zeros((1, 4), dtype=int),
        title="<b>ink</b>",
    )
    path = EmPath(scene, np.array([-2.0, -1.0]), np.array([-1.5]), stop=1)
    figure: Any = em_figure(path, [], theme="light")
    assert max(y for y in figure.data[0].y if y == y) == 0.75
    assert figure.layout.xaxis.title.text == "&lt;b&gt;ink&lt;/b&gt;"
    moved = {trace for frame in figure.frames for trace in frame.traces}
    assert 0 not in moved, "the bars stay"
    assert list(figure.frames[-1].data[1].y) == [0.3, 0.4]
    (e_step,) = (frame for frame in figure.frames if "baseframe" in frame)
    assert (e_step.name, e_step.baseframe, e_step.traces) == ("E-step 1", "start", [1])
    assert [shape.x0 for shape in figure.layout.shapes] == [1]


def test_a_step_of_em_colours_points_and_moves_ellipses() -> None:
    """Each frame, laid over the one that it names, is the whole state: a slider may go to any of them."""
    owners, plotly_number = np.array([[0, 1, 1], [3, 1, 0]]), {0: 0, 1: 1, 3: 5}
    scene = PlaneScene(np.zeros((3, 2)), np.arange(3 * 4 * 5 * 2.0).reshape(3, 4, 5, 2), owners, ["a", "b"])
    path = EmPath(scene, np.array([-3.0, -2.0, -1.0]), np.array([-2.5, -1.5]))
    figure = em_figure(path, [], theme="light").to_dict()
    states: dict[str, dict[int, dict[str, Any]]] = {}
    for frame in figure["frames"]:
        assert "colorscale" not in frame["data"][1]["marker"], "what all frames share stands in the figure"
        base = states[frame["baseframe"]] if "baseframe" in frame else {}
        states[frame["name"]] = base | dict(zip(frame["traces"], frame["data"], strict=True))
    assert list(states) == ["start", "E-step 1", "M-step 1", "E-step 2", "M-step 2"]
    marker = figure["data"][1]["marker"]
    colours = dict(marker["colorscale"])
    none = CONCEPTS["light"]["data"]
    for name, labels, done in (
        ("start", None, 0),
        ("E-step 1", 0, 0),
        ("M-step 1", 0, 1),
        ("E-step 2", 1, 1),
        ("M-step 2", 1, 2),
    ):
        state = states[name]
        assert sorted(state) == [0, 1, 2, 3, 4, 5], name
        shown = [colours[value / marker["cmax"]] for value in decoded(state[1]["marker"]["color"])]
        symbols = decoded(state[1]["marker"]["symbol"])
        known = [none] * 3 if labels is None else [class_colour(k, "light") for k in owners[labels]]
        assert shown == known
        assert symbols == [0 if labels is None else plotly_number[k] for k in owners[labels or 0]]
        np.testing.assert_array_equal(decoded(state[3]["x"]), scene.outlines[done, 1, :, 0])


def decoded(sent: dict[str, str]) -> list[float]:
    return np.frombuffer(base64.b64decode(sent["bdata"]), sent["dtype"]).tolist()
