"""The formulas of the steps: what stands between two equality signs equals what stands after them."""

import ast
import math
import operator
import re
from itertools import pairwise
from typing import Any, Final, get_args

import numpy as np
import pytest

from dashboard.figures.network.drawing import network_svg
from dashboard.figures.network.layers import Column, Line, Moment
from dashboard.figures.network.places import Places
from dashboard.figures.network.svg import MAX_CELLS, cells, grid_shape, number_text
from dashboard.gradients.cached import SmallNetwork, small_pass
from dashboard.gradients.formulas import factor, formula_lines, forward_lines, number, products
from dashboard.gradients.network_pass import Pass, picked, steps_of
from vae_core.config import Activation, EncoderHead, Likelihood

SLIPS: Final = (None, "f_for_slope", "kl_sign", "no_half")
NUMBER: Final = r"-?\d+\.\d+(?:e-?\d+)?"


def plain(latex: str) -> str:
    """A formula of numbers as Python."""
    text = re.sub(r"\\!\\cdot\\!10\^\{(-?\d+)\}", r"e\1", latex)
    text = re.sub(r"(?<![\d.])e\^\{([^{}]*)\}", r"exp(\1)", text)
    text = re.sub(r"\\textcolor\{#E5484D\}\{([^{}]*)\}", r"\1", text)
    for sign, meaning in ((r"{\cdot}", "*"), (r"\cdot", "*"), (r"\tfrac12", "0.5*"), ("^2", "**2")):
        text = text.replace(sign, meaning)
    text = re.sub(r"\\frac1\{([^{}]*)\}", r"(1/(\1))", text)
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    return text.replace(r"\Big[", "(").replace(r"\Big]", ")").replace(r"\Big", "").replace("0.5**", "0.5*")


def sigmoid(u: float) -> float:
    return 1 / (1 + math.exp(-u))


OPERATIONS: Final[dict[type[ast.AST], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}
FUNCTIONS: Final = {"s": sigmoid, "exp": math.exp}


def value_of(node: ast.AST) -> float:
    """The value of a formula of numbers, their sums, products, quotients, powers, and named functions."""
    match node:
        case ast.Expression(body):
            return value_of(body)
        case ast.Constant(float() | int() as value):
            return value
        case ast.UnaryOp(sign, operand):
            return OPERATIONS[type(sign)](value_of(operand))
        case ast.BinOp(left, operation, right):
            return OPERATIONS[type(operation)](value_of(left), value_of(right))
        case ast.Call(ast.Name(name), arguments):
            return FUNCTIONS[name](*map(value_of, arguments))
    raise ValueError(f"not arithmetic: {ast.unparse(node)}")


def checked_line(line: str) -> bool:
    """Whether a line had numbers to check; they agree but for the three decimals that are shown."""
    parts = [plain(part.strip()) for part in line.split("=")]
    if len(parts) < 3 or not re.fullmatch(NUMBER, parts[-1]) or re.search(r"\\|f'|_", parts[-2]):
        return False
    value = value_of(ast.parse(parts[-2].strip(), mode="eval"))
    assert value == pytest.approx(float(parts[-1]), abs=0.006, rel=0.01), line
    return True


def passes() -> Any:
    for head in get_args(EncoderHead):
        for likelihood in get_args(Likelihood):
            for slip in SLIPS:
                network = SmallNetwork(head=head, likelihood=likelihood, seed=3)
                yield network, small_pass(network, 5, 7, slip)


def test_numbers_of_every_formula_agree() -> None:
    """All heads, outputs, errors, steps and units: sums, noise, KL and slopes of tanh."""
    count = 0
    for _, found in passes():
        for step in steps_of(found.columns):
            units = 1 if step.column is None else len(found.columns[step.column].h)
            for unit in range(units):
                count += sum(checked_line(line) for line in formula_lines(found, step, unit))
    assert count > 48 * 25


def test_a_wrong_formula_is_seen() -> None:
    assert checked_line(r"\delta_{1} = 0.500 + (-0.250) = 0.250")
    with pytest.raises(AssertionError):
        checked_line(r"\delta_{1} = 0.500 - (-0.250) = 0.250")
    assert not checked_line(r"h_{1} = \tanh(0.300) = 0.291")


@pytest.mark.parametrize("activation", get_args(Activation))
def test_activations_have_their_formula(activation: Any) -> None:
    found = small_pass(SmallNetwork(activation=activation), 0, 0, None)
    assert len(forward_lines(found, 1, 0)) == 3


def test_numbers_in_formulas() -> None:
    assert [number(value) for value in (0.0, -0.5, 12.3456, 3.83e-6)] == [
        "0.000",
        "-0.500",
        "12.346",
        r"3.83\!\cdot\!10^{-6}",
    ]
    assert factor(-0.5) == "(-0.500)"
    assert "128" in products(np.ones(128), np.ones(128))
    assert [number_text(value) for value in (0.0, -0.5214, 3.1e-5, -4e7)] == [
        "0.000",
        "−0.521",
        "3.1e−5",
        "−4.0e7",
    ]


def column(kind: Any, number: int, units: int, before: int | None, **options: Any) -> Column:
    values = np.linspace(-1, 1, units)
    weights = None if before is None else np.ones((units, before))
    delta = None if kind == "input" else values
    return Column(kind, number, (Line("h", values),), values, values, delta, weights, **options)


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("per_row", [0, 4])
@pytest.mark.parametrize("sizes", [(4, 3, 4, 2, 3, 4), (64, 128, 4, 2, 128, 64), (2, 2, 2, 2), (4, 10, 2)])
def test_nothing_overlaps_and_all_lies_within(sizes: tuple[int, ...], tall: bool, per_row: int) -> None:
    columns = [column("input", 1, sizes[0], None)]
    for k, (before, units) in enumerate(pairwise(sizes)):
        beside = min(per_row, units) if units < 64 else 0
        columns.append(column("hidden", k + 2, units, before, per_row=beside))
    places = Places(columns, tall=tall)
    boxes = [places.box(k, j) for k, c in enumerate(columns) for j in range(len(c.h) if c.is_small else 1)]
    width, height = places.size
    for k, one in enumerate(boxes):
        assert one.x >= 0
        assert one.y >= 0
        assert one.x + one.width <= width + 1e-9
        assert one.y + one.height <= height + 1e-9
        for other in boxes[:k]:
            apart_x = one.x >= other.x + other.width or other.x >= one.x + one.width
            assert apart_x or one.y >= other.y + other.height or other.y >= one.y + one.height
    moment = Moment(len(columns), len(columns) - 1, True, 1, 0)
    svg = network_svg(columns, moment, {1: "KL = 1"}, theme="dark", tall=tall)
    assert svg.count("<svg") == svg.count("</svg>") == 1
    assert "nan" not in svg


def test_large_layers_stay_small_drawings() -> None:
    values = np.sin(np.arange(5000.0))
    units, shape = Column("hidden", 2, (), values, values).picture
    assert len(units) == MAX_CELLS
    assert len(cells(values[units], shape, 0, 0, 118, colours=("#000", "#fff"))) < 60_000
    assert grid_shape(64, (8, 8)) == (8, 8)
    assert "nan" not in cells(np.array([np.nan, 0.0, 1.0]), (1, 3), 0, 0, 9, colours=("#000", "#fff"))


def test_pass_of_an_error_leaves_the_right_delta_unmarked() -> None:
    right: Pass = small_pass(SmallNetwork(), 0, 0, None)
    wrong = small_pass(SmallNetwork(), 0, 0, "f_for_slope")
    assert not any(part.is_wrong for part in right.columns)
    assert [part.is_wrong for part in wrong.columns] == [False, True, True, True, True, False]


def test_a_click_names_a_step_and_a_unit_or_nothing() -> None:
    columns = small_pass(SmallNetwork(), 0, 0, None).columns
    steps = steps_of(columns)
    assert picked([1, 2], columns, steps, 3) == (1, 2)
    assert picked([1, 2], columns, steps, 8) == (11, 2), "on the way back"
    assert picked([0, 3], columns, steps, 8) == (0, 3), "x has no way back"
    for nonsense in (None, [], [1], [1, 3], [6, 0], [-1, 0], [1, "0"], {"a": 1}, "11", [1.5, 0], [1, 2, 3]):
        assert picked(nonsense, columns, steps, 3) is None, nonsense


def test_cards_name_their_numbers() -> None:
    found = small_pass(SmallNetwork(), 0, 0, None)
    heads, z, output = found.columns[2], found.columns[3], found.columns[5]
    assert found.log_var is not None
    assert heads.card(1) == [("μ", found.mean[1])]
    assert heads.card(3) == [("φ", found.log_var[1]), ("σ", found.std[1])]
    assert z.card(0) == [("ε", found.eps[0]), ("z", found.mean[0] + found.std[0] * found.eps[0])]
    assert [symbol for symbol, _ in output.card(0)] == ["u", "y", "x"]
    assert output.card(0)[1][1] == pytest.approx(sigmoid(output.card(0)[0][1]), rel=1e-14)
    found = small_pass(SmallNetwork(head="variance"), 0, 0, None)
    (_, u), (_, variance) = found.columns[2].card(2)
    assert variance == pytest.approx(math.log1p(math.exp(u)), abs=1e-8)
    assert [unit for unit in range(4) if found.columns[2].unit_index(unit) == 1] == [0, 2]
