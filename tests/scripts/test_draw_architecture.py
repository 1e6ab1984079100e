"""The picture of the packages is that of today's imports; arrows that follow from others are left out."""

from scripts import draw_architecture as drawing


def test_the_picture_in_the_docs_is_that_of_today() -> None:
    page = drawing.PAGE.read_text("utf-8")
    assert page == drawing.drawn(page), "run python -m scripts.draw_architecture"


def test_arrows_that_follow_from_others_are_left_out() -> None:
    graph = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set[str]()}
    assert drawing.reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


def test_nodes_are_the_parts_of_the_two_packages() -> None:
    named = {name: drawing.node_of(name) for name in ("pages.train", "vae_core.evidence.exact", "dashboard")}
    assert named == {
        "pages.train": "pages",
        "vae_core.evidence.exact": "vae_core.evidence",
        "dashboard": "dashboard",
    }
