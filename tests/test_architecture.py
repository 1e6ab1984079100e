"""The tree keeps the house rules, and each rule fails on a small example that breaks it."""

import ast
import functools
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Final

import pytest

from tests import architecture as rules

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCES: Final = sorted(path for folder in rules.FOLDERS for path in (ROOT / folder).rglob("*.py"))
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))
ATTACK: Final = "tests/attacks/test_runfile.py calls torch.save"
"""Writes a pickle to show that it is not opened."""

BROKEN: Final = (
    (rules.one_way_imports, "vae_core/a.py", "import streamlit"),
    (rules.one_way_imports, "vae_core/a.py", "from plotly import graph_objects"),
    (rules.one_way_imports, "vae_core/a.py", "def f():\n    from dashboard.shell.state import x"),
    (rules.one_way_imports, "vae_core/a.py", "from .errors import BadInput"),
    (rules.one_way_imports, "vae_core/a.py", "import pandas"),
    (rules.one_way_imports, "dashboard/cached.py", "from pages import train"),
    (rules.one_way_imports, "dashboard/cached.py", "import pages.train"),
    (rules.one_way_imports, "dashboard/cached.py", "import tests"),
    (rules.one_way_imports, "dashboard/figures/curves.py", "import streamlit as st"),
    (rules.one_way_imports, "dashboard/figures/curves.py", "import torch"),
    (rules.one_way_imports, "dashboard/runs/runner.py", "import streamlit as st"),
    (rules.one_way_imports, "dashboard/theme.py", "import plotly.graph_objects as go"),
    (rules.one_way_imports, "dashboard/figures/curves.py", "import plotly.graph_objects as go"),
    (rules.one_way_imports, "pages/train.py", "from vae_core.elbo import elbo_terms"),
    (rules.one_way_imports, "pages/train.py", "import vae_core"),
    (rules.one_way_imports, "pages/train.py", "import plotly.express as px"),
    (rules.one_way_imports, "scripts/make.py", "import tests"),
    (rules.one_way_imports, "pages/train.py", "import numpy as np"),
    (rules.staircase, "vae_core/errors.py", "from vae_core.config import ModelConfig"),
    (rules.staircase, "vae_core/priors.py", "def f():\n    from vae_core.model import VAE"),
    (rules.staircase, "vae_core/evidence/gaps.py", "from vae_core.training.loop import fit"),
    (rules.staircase, "vae_core/evidence/gaps.py", "from vae_core import training"),
    (rules.staircase, "vae_core/training/loop.py", "import vae_core.runs.snapshot"),
    (rules.staircase, "vae_core/runs/driver.py", "from vae_core import VAE"),
    (rules.staircase, "vae_core/latent/decode.py", "from vae_core.labs import misprints"),
    (rules.staircase, "vae_core/helpers.py", ""),
    (rules.readable_pages, "pages/elbo.py", "class Subject:\n    pass"),
    (rules.readable_pages, "pages/elbo.py", "import math"),
    (rules.readable_pages, "pages/elbo.py", "bits = nats / LOG_2"),
    (rules.readable_pages, "pages/elbo.py", "def draw():\n    import torch"),
    (rules.light_start, "pages/train.py", "import torch"),
    (rules.light_start, "pages/train.py", "from sklearn.decomposition import PCA"),
    (rules.light_start, "dashboard/app.py", "import torch.nn as nn"),
    (rules.harmless_names, "dashboard/profile.py", ""),
    (rules.harmless_names, "dashboard/sklearn.py", ""),
    (rules.harmless_names, "dashboard/plotly/__init__.py", ""),
    (rules.one_owner_of_state, "pages/train.py", "import streamlit as st\nst.session_state['a'] = 1"),
    (rules.one_owner_of_state, "dashboard/app.py", "from streamlit import query_params"),
    (rules.nothing_unsafe, "vae_core/a.py", "import pickle"),
    (rules.nothing_unsafe, "vae_core/a.py", "from multiprocessing import Pool"),
    (rules.nothing_unsafe, "vae_core/a.py", "from concurrent.futures import ProcessPoolExecutor"),
    (rules.nothing_unsafe, "vae_core/a.py", "import torch\ntorch.load(path)"),
    (rules.nothing_unsafe, "vae_core/a.py", "eval('1')"),
    (rules.nothing_unsafe, "vae_core/a.py", "exec('1')"),
    (rules.nothing_unsafe, "vae_core/a.py", "np.load(file, allow_pickle=True)"),
    (rules.nothing_unsafe, "dashboard/runs/runner.py", "subprocess.run('ls', shell=True)"),
    (rules.nothing_unsafe, "dashboard/a.py", "archive.extractall(folder)"),
    (rules.nothing_unsafe, "pages/a.py", "st.markdown(text, unsafe_allow_html=True)"),
    (rules.no_network, "vae_core/a.py", "from urllib.request import urlopen"),
    (
        rules.no_network,
        "vae_core/a.py",
        "from sklearn import datasets\nfrom sklearn.datasets import fetch_openml",
    ),
    (rules.no_network, "dashboard/a.py", "import urllib.parse\nurllib.request.urlopen(x)"),
    (rules.no_global_randomness, "vae_core/a.py", "torch.manual_seed(0)"),
    (rules.no_global_randomness, "vae_core/a.py", "torch.random.fork_rng()"),
    (rules.no_global_randomness, "vae_core/a.py", "np.random.default_rng(0)"),
    (rules.no_global_randomness, "vae_core/a.py", "import random"),
    (rules.no_global_randomness, "vae_core/a.py", "torch.randn(3)"),
    (rules.no_global_randomness, "vae_core/a.py", "torch.randn_like(x)"),
    (rules.no_global_randomness, "vae_core/a.py", "q.rsample()"),
    (rules.no_global_randomness, "vae_core/a.py", "nn.init.kaiming_uniform_(weight, a=1)"),
    (rules.charts_that_stay, "dashboard/a.py", "left.plotly_chart(figure)"),
    (rules.bounded_caches, "dashboard/a.py", "@st.cache_data\ndef f(): pass"),
    (rules.bounded_caches, "pages/a.py", "@st.cache_resource(max_entries=2)\ndef f(): pass"),
    (rules.bounded_caches, "dashboard/a.py", "from streamlit import cache_data"),
    (rules.bounded_caches, "vae_core/a.py", "from functools import cache"),
    (rules.bounded_caches, "vae_core/a.py", "@functools.lru_cache\ndef f(): pass"),
    (rules.bounded_caches, "vae_core/a.py", "@lru_cache(maxsize=None)\ndef f(): pass"),
)

KEPT: Final = (
    (rules.one_way_imports, "vae_core/a.py", "import json, torch\nfrom sklearn.datasets import load_digits"),
    (rules.one_way_imports, "pages/train.py", "import streamlit\nfrom vae_core.config import ModelConfig"),
    (rules.one_way_imports, "dashboard/figures/objects.py", "import plotly.graph_objects as go"),
    (
        rules.one_way_imports,
        "benchmarks/load.py",
        "import websockets\nfrom dashboard.runs.runner import JobRunner",
    ),
    (
        rules.staircase,
        "vae_core/evidence/gaps.py",
        "from vae_core import errors\nfrom vae_core.model import VAE\nfrom vae_core.evidence.exact import f",
    ),
    (rules.staircase, "vae_core/__init__.py", "from vae_core.labs.em.mixture import Mixture"),
    (rules.staircase, "dashboard/a.py", "from vae_core.labs.em.mixture import Mixture"),
    (rules.readable_pages, "pages/elbo.py", "view = choice.one_of('a', OPTIONS)\nst.write('a' + view)"),
    (rules.readable_pages, "dashboard/elbo/units.py", "import numpy\nbits = nats / LOG_2"),
    (rules.light_start, "dashboard/app.py", "def warm():\n    import torch"),
    (rules.harmless_names, "dashboard/shell/state.py", ""),
    (rules.harmless_names, "dashboard/figures/json.py", ""),
    (rules.one_owner_of_state, "dashboard/shell/state.py", "st.session_state['a'] = st.query_params"),
    (rules.nothing_unsafe, "vae_core/a.py", "model.eval()\nnp.load(file, allow_pickle=False)\nload(content)"),
    (rules.no_network, "benchmarks/load.py", "import urllib.request"),
    (rules.no_network, "vae_core/data/openml.py", "from sklearn.datasets import fetch_openml"),
    (rules.no_network, "dashboard/runs/runner.py", "requests = [1]\nrequests.append(2)"),
    (
        rules.no_global_randomness,
        "vae_core/a.py",
        "torch.randn(3, generator=generator)\nx.normal_(generator=g)",
    ),
    (
        rules.no_global_randomness,
        "vae_core/a.py",
        "torch.Generator().manual_seed(0)\nq.sample((3,), generator)",
    ),
    (rules.charts_that_stay, "pages/a.py", "draw_chart(figure, key='a', alt='A.')"),
    (rules.bounded_caches, "dashboard/a.py", "@functools.lru_cache(maxsize=8)\ndef f(): pass"),
    (rules.bounded_caches, "dashboard/a.py", "from dashboard.caching import cached"),
    (rules.bounded_caches, "tests/a.py", "from functools import cache"),
)

SETS_A: Final = "    def __init__(self) -> None:\n        self._a = 1"
BROKEN_TREES: Final = (
    (
        rules.own_private_names,
        {
            "vae_core/p/__init__.py": "from vae_core.p.a import A",
            "vae_core/p/a.py": f"class A:\n{SETS_A}",
            "vae_core/q/b.py": f"from vae_core.p import A\nclass B(A):\n{SETS_A}",
        },
    ),
    (rules.no_circles, {"vae_core/a.py": "from vae_core.b import f", "vae_core/b.py": "import vae_core.a"}),
    (
        rules.no_circles,
        {
            "dashboard/a.py": "from dashboard import b",
            "dashboard/b.py": "def f():\n    from dashboard.c import g",
            "dashboard/c.py": "if TYPE_CHECKING:\n    from dashboard.a import A",
        },
    ),
    (
        rules.no_circles,
        {
            "vae_core/p/__init__.py": "from vae_core.p.a import f",
            "vae_core/p/a.py": "from vae_core.p import f",
        },
    ),
    (rules.no_streamlit_behind, {"dashboard/runs/new.py": "def f():\n    import streamlit as st"}),
    (
        rules.no_streamlit_behind,
        {
            "dashboard/figures/new.py": "from dashboard.formats import nats",
            "dashboard/formats.py": "from dashboard.shell import state",
            "dashboard/shell/state.py": "from streamlit import query_params",
        },
    ),
)
KEPT_TREES: Final = (
    (
        rules.own_private_names,
        {
            "vae_core/p/a.py": f"class A:\n{SETS_A}",
            "vae_core/p/b.py": f"from vae_core.p.a import A\nclass B(A):\n{SETS_A}",
            "vae_core/q/c.py": "from vae_core.p.b import B\nclass C(B):\n"
            + SETS_A.replace("_a", "_c").replace("= 1", "= self._a"),
        },
    ),
    (
        rules.no_circles,
        {
            "vae_core/p/__init__.py": "from vae_core.p.a import f",
            "vae_core/p/a.py": "from vae_core.p.b import f\nfrom vae_core.q import g",
            "vae_core/p/b.py": "from vae_core.q import g",
            "vae_core/q.py": "import torch",
        },
    ),
    (
        rules.no_streamlit_behind,
        {
            "dashboard/runs/new.py": "from dashboard import theme",
            "dashboard/theme.py": "import streamlit_free",
            "dashboard/shell/state.py": "import streamlit\nfrom dashboard.runs import new",
        },
    ),
)
TOO_COMPLEX: Final = {
    "C901": "def f(x: int) -> int:\n    for _ in range(x):\n"
    + "".join(f"        while x == {k} and x > {k}:\n            x += 1\n" for k in range(16))
    + "    return x\n",
    "PLR0912": "def f(x: int) -> int:\n"
    + "".join(f"    if x == {k}:\n        x += 1\n" for k in range(20))
    + "    return x\n",
    "PLR0915": "def f(x: int) -> int:\n" + "    x += 1\n" * 80 + "    return x\n",
}


def _problems(rule: rules.Rule, path: str, source: str) -> list[str]:
    return [f"{path} {problem}" for problem in rule(PurePosixPath(path), ast.parse(source))]


@pytest.mark.parametrize("rule", rules.RULES)
def test_tree_keeps_rule(rule: rules.Rule) -> None:
    problems = [f"{path} {problem}" for path, code in _tree().items() for problem in rule(path, code)]
    assert problems == [], "\n".join([str(rule.__doc__), *problems])


def test_tests_do_nothing_unsafe_either() -> None:
    rule = rules.nothing_unsafe
    problems = [f"{path} {problem}" for path, code in _read(TESTS).items() for problem in rule(path, code)]
    assert problems == [ATTACK], "\n".join([str(rule.__doc__), *problems])


@functools.cache
def _tree() -> rules.Tree:
    return _read(SOURCES)


def _read(paths: list[Path]) -> rules.Tree:
    return _parsed({path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths})


def _parsed(sources: dict[str, str]) -> rules.Tree:
    return {PurePosixPath(path): ast.parse(source) for path, source in sources.items()}


@pytest.mark.parametrize("rule", rules.TREE_RULES)
def test_whole_tree_keeps_rule(rule: rules.TreeRule) -> None:
    problems = list(rule(_tree()))
    assert problems == [], "\n".join([str(rule.__doc__), *problems])


@pytest.mark.parametrize(("rule", "sources"), BROKEN_TREES)
def test_rule_fails_on_a_tree_that_breaks_it(rule: rules.TreeRule, sources: dict[str, str]) -> None:
    assert len(list(rule(_parsed(sources)))) == 1, rule.__doc__


@pytest.mark.parametrize(("rule", "sources"), KEPT_TREES)
def test_rule_passes_a_tree_that_keeps_it(rule: rules.TreeRule, sources: dict[str, str]) -> None:
    assert list(rule(_parsed(sources))) == []


@pytest.mark.parametrize("code", TOO_COMPLEX)
def test_a_function_of_many_branches_or_statements_is_refused(code: str) -> None:
    command = [sys.executable, "-m", "ruff", "check"]
    command += ["--no-cache", "--output-format", "concise", "--stdin-filename", "vae_core/new.py", "-"]
    done = subprocess.run(
        command, input=TOO_COMPLEX[code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert f" {code} " in done.stdout, done.stdout + done.stderr


def test_every_part_of_the_core_is_on_one_step() -> None:
    steps = [name for step in rules.STAIRCASE for name in step]
    parts = {
        path.relative_to(ROOT).parts[1].removesuffix(".py") for path in SOURCES if "vae_core" in path.parts
    }
    assert len(steps) == len(set(steps))
    assert parts - {"__init__"} <= set(steps)


@pytest.mark.parametrize(("rule", "path", "source"), BROKEN)
def test_rule_fails_on_what_breaks_it(rule: rules.Rule, path: str, source: str) -> None:
    assert _problems(rule, path, source), rule.__doc__


@pytest.mark.parametrize(("rule", "path", "source"), KEPT)
def test_rule_passes_what_keeps_it(rule: rules.Rule, path: str, source: str) -> None:
    assert _problems(rule, path, source) == []


def test_every_rule_has_a_broken_and_a_kept_example() -> None:
    assert {rule for rule, _, _ in BROKEN} == {rule for rule, _, _ in KEPT} == set(rules.RULES)
    assert {rule for rule, _ in BROKEN_TREES} == {rule for rule, _ in KEPT_TREES} == set(rules.TREE_RULES)


def test_there_is_a_tree_to_check() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} >= {"vae_core", "dashboard"}
