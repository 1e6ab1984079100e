"""The message that mounts an element that says nothing back, which Streamlit does not write."""

from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.testing.v1 import AppTest


def _mounted(at: AppTest) -> list[BidiComponent]:
    return [one.proto for one in at.get("bidi_component")]


def test_it_is_the_message_of_streamlit_without_its_widgets() -> None:
    def script() -> None:
        from dashboard.components.chart.element import draw_chart, selectable_chart
        from dashboard.figures.objects import Figure, Scatter

        draw_chart(Figure(Scatter(x=[0.0])), key="one", alt="")
        selectable_chart(Figure(Scatter(x=[0.0])), key="one_more", alt="")

    at = AppTest.from_function(script).run()
    assert not at.exception, at.exception
    ours, theirs = _mounted(at)
    keys = [proto.id.rpartition("-")[2] for proto in (ours, theirs)]
    assert keys == ["one", "one_more"], "keys are found by ids"
    assert ours.id.partition("-")[0] == theirs.id.partition("-")[0]
    assert len(ours.id) + len("_more") == len(theirs.id), "ids of one form"
    assert all((ours.component_name, ours.js_source_path, ours.html_content, ours.css_content))
    assert not ours.isolate_styles, "a chart has the styles of the page"
    for field in BidiComponent.DESCRIPTOR.fields:
        if field.name not in ("id", "bytes"):
            assert getattr(ours, field.name) == getattr(theirs, field.name), field.name


def test_it_is_found_by_its_key_and_no_key_stands_twice() -> None:
    def script() -> None:
        import streamlit as st
        from streamlit.errors import StreamlitDuplicateElementKey

        from dashboard.components.chart.element import draw_chart
        from dashboard.figures.objects import Figure

        draw_chart(Figure(), key="one", alt="")
        try:
            draw_chart(Figure(), key="one", alt="")
        except StreamlitDuplicateElementKey as err:
            st.markdown(str(err))

    at = AppTest.from_function(script).run()
    assert not at.exception, at.exception
    assert "key='one'" in at.markdown[0].value, "the same key twice is refused"


def test_it_stands_in_the_column_that_draws_it() -> None:
    def script() -> None:
        import streamlit as st

        from dashboard.components.chart.element import draw_chart
        from dashboard.figures.objects import Figure

        left, right = st.columns(2)
        with right:
            draw_chart(Figure(), key="one", alt="")
        left.markdown("before")

    at = AppTest.from_function(script).run()
    assert not at.exception, at.exception
    left, right = at.columns
    assert [len(column.get("bidi_component")) for column in (left, right)] == [0, 1]
