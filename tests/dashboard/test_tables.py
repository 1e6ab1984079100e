"""Tables: every column has a name, cells keep their Markdown, the title is the name for screen readers."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.tables import draw_table


def _drawn() -> None:
    from dashboard.tables import draw_table

    rows = [("**ELBO**", "**−19.5 ± 0.1**"), ("KL", "2.50")]
    draw_table(("nats per example", "VAE"), rows, title="The bound", help_text="Held-out examples.")
    draw_table(("J", "time"), [("1", "2 s")], title="Cost", shows_title=False)


def test_a_table_has_a_title_a_head_and_its_cells() -> None:
    at = AppTest.from_function(_drawn).run()
    assert not at.exception
    assert [text.value for text in at.markdown] == ["**The bound**"]
    first, second = at.table
    assert list(first.value.columns) == ["nats per example", "VAE"]
    assert first.value.to_numpy().tolist() == [["**ELBO**", "**−19.5 ± 0.1**"], ["KL", "2.50"]]
    assert list(second.value.columns) == ["J", "time"]


@pytest.mark.parametrize("head", [("", "VAE"), ("VAE", "VAE")])
def test_a_column_without_a_name_of_its_own_is_refused(head: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="name of its own"):
        draw_table(head, [("a", "b")], title="t")
