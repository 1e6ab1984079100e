"""The house rules that a program can check: each takes one file or all, and names what breaks it."""

import ast
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import PurePosixPath
from typing import Final

Rule = Callable[[PurePosixPath, ast.Module], Iterator[str]]
Tree = Mapping[PurePosixPath, ast.Module]
TreeRule = Callable[[Tree], Iterator[str]]

FOLDERS: Final = ("vae_core", "dashboard", "pages", "benchmarks", "scripts")
FIRST_PARTY: Final = frozenset({*FOLDERS, "tests"})

# What a file may import besides the standard library: the first prefix that fits its path decides. Whatever
# stands elsewhere (benchmarks, scripts) may import anything but pages and tests.
MAY_IMPORT: Final = (
    ("vae_core/data/images.py", ("vae_core", "numpy", "PIL")),
    ("vae_core/data/sheet_program.py", ("python_calamine",)),
    ("vae_core/", ("vae_core", "torch", "numpy", "scipy", "sklearn", "safetensors")),
    ("dashboard/figures/objects.py", ("plotly", "numpy")),
    ("dashboard/figures/", ("dashboard", "vae_core", "numpy", "contourpy")),
    ("dashboard/runs/", ("dashboard", "vae_core", "numpy", "PIL")),
    ("dashboard/publish/", ("dashboard", "vae_core", "numpy", "torch")),
    ("dashboard/theme.py", ("dashboard",)),
    (
        "dashboard/",
        (
            "dashboard",
            "vae_core",
            "streamlit",
            "starlette",
            "numpy",
            "pyarrow",
            "torch",
            "sklearn",
            "PIL",
            "segno",
        ),
    ),
    ("pages/", ("dashboard", "vae_core.config", "vae_core.errors", "streamlit")),
)
# The core from bottom to top: a module or package may import those on lower steps, and none beside it. Each
# part of the core is on one step; the core itself (its public names) is above all.
STAIRCASE: Final = (
    ("errors", "exports"),
    ("checks",),
    ("formats",),
    ("config",),
    ("memory",),
    ("device", "data", "planar", "networks"),
    ("distributions",),
    ("posteriors", "likelihoods"),
    ("priors",),
    ("model",),
    ("elbo",),
    ("objectives",),
    ("training", "evidence", "latent"),
    ("runs",),
    ("labs",),
    ("__main__", ""),
)
WITHOUT_STREAMLIT: Final = ("dashboard.runs", "dashboard.figures", "dashboard.theme", "vae_core")
MATHS_IMPORTS: Final = ("torch", "numpy", "scipy", "sklearn", "math", "statistics", "cmath")
MATHS: Final = (ast.Mult, ast.Div, ast.FloorDiv, ast.Pow, ast.MatMult)
UNSAFE_IMPORTS: Final = frozenset(
    {
        "pickle",
        "dill",
        "cloudpickle",
        "joblib",
        "marshal",
        "shelve",
        "yaml",
        "multiprocessing",
        "torch.multiprocessing",
    }
    | {"concurrent.futures.ProcessPoolExecutor", "torch.load", "torch.save", "torch.jit"}
)
UNSAFE_CALLS: Final = frozenset({"eval", "exec", "torch.load", "torch.save", "os.system", "os.popen"})
UNSAFE_METHODS: Final = frozenset({"extractall", "ProcessPoolExecutor"})
UNSAFE_KEYWORDS: Final = frozenset({"unsafe_allow_html", "unsafe_allow_javascript", "shell", "allow_pickle"})
NETWORK_IMPORTS: Final = frozenset(
    {"urllib.request", "http.client", "requests", "httpx", "ftplib", "smtplib", "telnetlib"} | {"torch.hub"}
)
NETWORK_CALLS: Final = frozenset({"urlopen", "urlretrieve", "fetch_openml", "fetch_olivetti_faces"})
SAMPLERS: Final = frozenset(
    {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson"}
    | {"rand_like", "randn_like", "randint_like", "sample", "rsample"}
    | {"DataLoader", "RandomSampler", "random_split"}
    | {"normal_", "uniform_", "bernoulli_", "exponential_", "random_", "cauchy_", "geometric_", "log_normal_"}
    | {
        "kaiming_uniform_",
        "kaiming_normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "orthogonal_",
        "trunc_normal_",
    }
)
GLOBAL_RANDOM: Final = frozenset({"torch.manual_seed", "torch.seed", "torch.set_rng_state", "torch.random"})
UNBOUNDED: Final = frozenset({"functools.cache", "functools.cached_property"})
MODULE_NAMES: Final = (set(sys.stdlib_module_names) | set(packages_distributions())) - FIRST_PARTY


def one_way_imports(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Imports go pages -> dashboard -> vae_core, by full names; each layer knows only its own libraries."""
    allowed = next((names for prefix, names in MAY_IMPORT if str(path).startswith(prefix)), None)
    for name in imports(ast.walk(tree)):
        root = name.split(".")[0]
        if allowed is None:
            forbidden = root in {"", "pages", "tests"}
        else:
            forbidden = root not in sys.stdlib_module_names and not within(name, allowed)
        if forbidden:
            yield f"imports {name}"


def staircase(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """The core is a staircase: whoever reads a step needs only those below it."""
    if path.parts[0] != "vae_core":
        return
    own = "" if str(path) == "vae_core/__init__.py" else path.parts[1].removesuffix(".py")
    if own not in _STEPS:
        yield f"{own} is on no step of the staircase"
        return
    for name in imports(ast.walk(tree)):
        first, *rest = name.split(".")
        if first != "vae_core":
            continue
        other = rest[0] if rest and rest[0] in _STEPS else ""
        if other != own and _STEPS[other] >= _STEPS[own]:
            yield f"imports {name}, which is not below {own}"


def readable_pages(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """A page is a script to read: it draws sections in order, and defines or computes nothing of its own."""
    if path.parts[0] != "pages":
        return
    for name in imports(ast.walk(tree)):
        if within(name, MATHS_IMPORTS):
            yield f"imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield f"defines the class {node.name}"
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, MATHS):
            yield f"computes {ast.unparse(node)}"


def light_start(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """The entry script and the pages do not wait for PyTorch or scikit-learn before they show something."""
    if path.parts[0] == "pages" or str(path) == "dashboard/app.py":
        for name in imports(tree.body):
            if within(name, ("torch", "sklearn")):
                yield f"imports {name} at the top"


def harmless_names(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Streamlit puts dashboard/ first on the path: a module there must not shadow another one."""
    top = path.parts[1].removesuffix(".py")
    is_module = len(path.parts) == 2 or path.parts[2:] == ("__init__.py",)
    if path.parts[0] == "dashboard" and is_module and top in MODULE_NAMES:
        yield f"the name {top} hides another module"


def one_owner_of_state(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Session state and the URL belong to dashboard/shell/state.py."""
    for name in names(tree):
        is_state = name.split(".")[-1] in {"session_state", "query_params"}
        if path.parts[0] in {"dashboard", "pages"} and is_state and str(path) != "dashboard/shell/state.py":
            yield f"uses {name}"


def nothing_unsafe(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """No code from data, no shell, no raw HTML, no archive unpacked to disk, no second copy of the script."""
    for name in imports(ast.walk(tree)):
        if within(name, UNSAFE_IMPORTS):
            yield f"imports {name}"
    for call in calls(tree):
        name = dotted(call.func)
        if name in UNSAFE_CALLS or name.split(".")[-1] in UNSAFE_METHODS:
            yield f"calls {name}"
        for keyword in call.keywords:
            off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg in UNSAFE_KEYWORDS and not off:
                yield f"passes {keyword.arg}"


ASKS_THE_NETWORK: Final = PurePosixPath("vae_core/data/openml.py")


def charts_that_stay(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Figures go through ``draw_chart`` of dashboard/components/chart: Streamlit mounts its own anew."""
    if path.parts[0] in ("dashboard", "pages"):
        yield from (
            f"calls {name}"
            for name in map(dotted, (call.func for call in calls(tree)))
            if name.endswith("plotly_chart")
        )


def no_network(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """The product asks nothing of the network, but for the one module that fetches MNIST on request."""
    if path.parts[0] in {"vae_core", "dashboard", "pages"} and path != ASKS_THE_NETWORK:
        yield from (f"imports {name}" for name in imports(ast.walk(tree)) if within(name, NETWORK_IMPORTS))
        yield from (f"uses {name}" for name in names(tree) if name.split(".")[-1] in NETWORK_CALLS)


def no_global_randomness(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Whatever draws takes a torch.Generator: sessions share one process and so its global generator."""
    if path.parts[0] != "vae_core":
        return
    for name in {*imports(ast.walk(tree)), *names(tree)}:
        if within(name, GLOBAL_RANDOM) or within(name, ("random", "numpy.random", "np.random")):
            yield f"uses {name}"
    for call in calls(tree):
        given = {keyword.arg for keyword in call.keywords} | {
            dotted(value).split(".")[-1] for value in call.args
        }
        if dotted(call.func).split(".")[-1] in SAMPLERS and "generator" not in given:
            yield f"calls {dotted(call.func)} without generator"


def bounded_caches(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """What is kept has room in memory: results of pages in dashboard/caching.py, which counts their bytes."""
    if path.parts[0] not in {"vae_core", "dashboard", "pages"}:
        return
    for name in names(tree):
        if name in UNBOUNDED or (within(name, ["st", "streamlit"]) and "cache_" in name):
            yield f"uses {name}"
    with_size = {
        call.func
        for call in calls(tree)
        for option in call.keywords
        if option.arg == "maxsize" and isinstance(option.value, ast.Constant) and option.value.value
    }
    for node in ast.walk(tree):
        if dotted(node) in {"lru_cache", "functools.lru_cache"} and node not in with_size:
            yield "uses lru_cache without maxsize"


def no_circles(tree: Tree) -> Iterator[str]:
    """No module imports itself by way of others, within functions and for type checkers included."""
    graph = import_graph(tree)
    for module in sorted(graph):
        chain = _chain(graph, module, {module})
        # Each circle is told once, at the first of its modules.
        if chain and module == min(chain):
            yield " -> ".join([module, *chain])


def no_streamlit_behind(tree: Tree) -> Iterator[str]:
    """What needs no Streamlit reaches none of it through other modules either."""
    graph = import_graph(tree)
    names_of = {module_name(path): set(imports(ast.walk(code))) for path, code in tree.items()}
    drawing = {
        module for module, found in names_of.items() if any(within(one, ["streamlit"]) for one in found)
    }
    for module in sorted(graph):
        if within(module, WITHOUT_STREAMLIT):
            chain = [] if module in drawing else _chain(graph, module, drawing)
            if module in drawing or chain:
                yield f"{' -> '.join([module, *chain])} -> streamlit"


def own_private_names(tree: Tree) -> Iterator[str]:
    """A class sets no private attribute that a base class of another package sets: one name, two meanings."""
    classes = {
        f"{module_name(path)}.{node.name}": (node, {name.split(".")[-1]: name for name in imports(code.body)})
        for path, code in tree.items()
        for node in code.body
        if isinstance(node, ast.ClassDef)
    }

    def bases(name: str) -> Iterator[str]:
        node, imported = classes[name]
        for base in map(dotted, node.bases):
            full = imported.get(base, f"{name.rpartition('.')[0]}.{base}")
            module, _, short = full.rpartition(".")
            # A package may offer what stands in one of its modules.
            for found in classes:
                if found == full or (within(found, [module]) and found.endswith(f".{short}")):
                    yield found
                    yield from bases(found)

    for name, (node, _) in classes.items():
        for base in bases(name):
            if _package(base) != _package(name):
                both = private_attributes(node) & private_attributes(classes[base][0])
                yield from (f"{name} sets {one}, as {base} does" for one in sorted(both))


def private_attributes(node: ast.ClassDef) -> set[str]:
    """Names with an underscore that methods of a class set on ``self``."""
    return {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)
        if one.attr.startswith("_") and dotted(one.value) == "self"
    }


def _package(name: str) -> str:
    """That of the module of a class."""
    return name.rpartition(".")[0].rpartition(".")[0]


def import_graph(tree: Tree) -> dict[str, set[str]]:
    """Full names of all modules, and of those among them that each imports.

    ``from a import b`` needs ``a``, and ``a.b`` where that is a module. What a package loads on first use
    counts as well: it says so to type checkers.
    """
    modules = {module_name(path): code for path, code in tree.items()}
    graph = {}
    for name, code in modules.items():
        wanted = set(imports(ast.walk(code)))
        found = {one for one in wanted if one in modules}
        found |= {one.rpartition(".")[0] for one in wanted - found} & set(modules)
        graph[name] = found - {name}
    return graph


def module_name(path: PurePosixPath) -> str:
    """The name by which a file is imported: ``vae_core/labs/__init__.py`` is ``vae_core.labs``."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _chain(graph: Mapping[str, set[str]], start: str, ends: Container[str]) -> list[str]:
    """A shortest chain of imports to one of the ends, without its start; empty where none leads there."""
    chains = [[other] for other in sorted(graph[start])]
    seen: set[str] = set()
    for chain in chains:
        last = chain[-1]
        if last in ends:
            return chain
        if last not in seen:
            seen.add(last)
            chains += [[*chain, other] for other in sorted(graph[last])]
    return []


def imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Full names of what the nodes import; a relative import yields a name that nothing allows."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def names(tree: ast.Module) -> Iterator[str]:
    """All names and dotted names that the code uses or imports."""
    yield from imports(ast.walk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            yield dotted(node)


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    """All calls."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of attributes; what is no name in it counts as an empty one."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def within(name: str, roots: Iterable[str]) -> bool:
    """Whether a dotted name is one of the roots or lies under one."""
    return any(name == root or name.startswith(f"{root}.") for root in roots)


_STEPS: Final = {name: height for height, step in enumerate(STAIRCASE) for name in step}
RULES: Final[tuple[Rule, ...]] = (
    one_way_imports,
    staircase,
    readable_pages,
    light_start,
    harmless_names,
    one_owner_of_state,
    nothing_unsafe,
    charts_that_stay,
    no_network,
    no_global_randomness,
    bounded_caches,
)
TREE_RULES: Final[tuple[TreeRule, ...]] = (no_circles, no_streamlit_behind, own_private_names)
