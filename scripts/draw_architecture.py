"""Draws the packages and their imports into docs/architecture.md: ``python -m scripts.draw_architecture``.

The picture is made of the code's own imports. An arrow that follows from two others is left out (transitive
reduction), so that the staircase is seen and not a web.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "architecture.md"
BEGIN: Final = "<!-- begin: python -m scripts.draw_architecture -->"
END: Final = "<!-- end -->"
STOREYS: Final = ("pages", "dashboard", "vae_core")
SPLIT: Final = ("dashboard", "vae_core")
"""Packages that are drawn part by part; any other is one node."""

Graph = Mapping[str, set[str]]


def node_of(module: str) -> str:
    """The node in which a module is drawn: ``vae_core.evidence`` of ``vae_core.evidence.quadrature``."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in SPLIT else parts[0]


def import_graph() -> Graph:
    """Which node imports which, for each node of the three storeys."""
    graph: dict[str, set[str]] = defaultdict(set)
    for storey in STOREYS:
        for path in sorted((ROOT / storey).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            source = node_of(module)
            if source in SPLIT or module in {f"{name}.__main__" for name in SPLIT}:
                continue  # what a whole package exports, and its entry, import everything
            targets = {node_of(name) for name in _imported(path)}
            graph[source] |= {name for name in targets if name not in SPLIT} - {source}
    return graph


def reduced(graph: Graph) -> Graph:
    """The same without the arrows that a longer way through the graph already says."""
    return {
        node: {
            target
            for target in targets
            if not any(target in _reachable(graph, other) for other in targets - {target})
        }
        for node, targets in graph.items()
    }


def mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flow chart, one box a storey."""
    lines = ["```mermaid", "flowchart TD"]
    nodes = sorted({*graph, *(target for targets in graph.values() for target in targets)})
    for storey in STOREYS:
        members = [node for node in nodes if node.split(".")[0] == storey]
        lines.append(f'    subgraph {storey}_box["{storey}"]')
        lines += [f'        {node}["{node.removeprefix(f"{storey}.")}"]' for node in members]
        lines.append("    end")
    lines += [f"    {node} --> {target}" for node in sorted(graph) for target in sorted(graph[node])]
    return "\n".join([*lines, "```"])


def drawn(page: str) -> str:
    """The page with the picture of today in its place."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{mermaid(reduced(import_graph()))}\n\n{END}{after}"


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in STOREYS


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    open_nodes = [start]
    while open_nodes:
        for target in graph.get(open_nodes.pop(), ()):
            if target not in found:
                found.add(target)
                open_nodes.append(target)
    return found


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text("utf-8")), "utf-8")
