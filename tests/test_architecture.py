"""The tree keeps the house rules, and each rule fails on a small example that breaks it."""

import ast
from pathlib import Path, PurePosixPath
from typing import Final

import pytest

from tests import architecture as rules

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCES: Final = sorted(path for folder in rules.FOLDERS for path in (ROOT / folder).rglob("*.py"))
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))

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
    (rules.one_way_imports, "pages/train.py", "from vae_core.elbo import elbo_terms"),
    (rules.one_way_imports, "pages/train.py", "import vae_core"),
    (rules.one_way_imports, "pages/train.py", "import plotly.express as px"),
    (rules.one_way_imports, "scripts/make.py", "import tests"),
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
)

KEPT: Final = (
    (rules.one_way_imports, "vae_core/a.py", "import json, torch\nfrom sklearn.datasets import load_digits"),
    (rules.one_way_imports, "pages/train.py", "import streamlit\nfrom vae_core.config import ModelConfig"),
    (rules.one_way_imports, "dashboard/figures/curves.py", "import plotly.graph_objects as go"),
    (
        rules.one_way_imports,
        "benchmarks/load.py",
        "import websockets\nfrom dashboard.runs.runner import JobRunner",
    ),
    (rules.light_start, "dashboard/app.py", "def warm():\n    import torch"),
    (rules.harmless_names, "dashboard/shell/state.py", ""),
    (rules.harmless_names, "dashboard/figures/json.py", ""),
    (rules.one_owner_of_state, "dashboard/shell/state.py", "st.session_state['a'] = st.query_params"),
    (rules.nothing_unsafe, "vae_core/a.py", "model.eval()\nnp.load(file, allow_pickle=False)\nload(content)"),
    (rules.no_network, "benchmarks/load.py", "import urllib.request"),
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
)


def _problems(rule: rules.Rule, path: str, source: str) -> list[str]:
    return [f"{path} {problem}" for problem in rule(PurePosixPath(path), ast.parse(source))]


@pytest.mark.parametrize("rule", rules.RULES)
def test_tree_keeps_rule(rule: rules.Rule) -> None:
    files = [(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in SOURCES]
    problems = [problem for path, source in files for problem in _problems(rule, path, source)]
    assert problems == [], "\n".join([str(rule.__doc__), *problems])


@pytest.mark.parametrize(("rule", "path", "source"), BROKEN)
def test_rule_fails_on_what_breaks_it(rule: rules.Rule, path: str, source: str) -> None:
    assert _problems(rule, path, source), rule.__doc__


@pytest.mark.parametrize(("rule", "path", "source"), KEPT)
def test_rule_passes_what_keeps_it(rule: rules.Rule, path: str, source: str) -> None:
    assert _problems(rule, path, source) == []


def test_every_rule_has_a_broken_and_a_kept_example() -> None:
    assert {rule for rule, _, _ in BROKEN} == {rule for rule, _, _ in KEPT} == set(rules.RULES)


def test_there_is_a_tree_to_check() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} >= {"vae_core", "dashboard"}
