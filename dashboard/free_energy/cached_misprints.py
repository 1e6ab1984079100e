"""The misprints of the source documents, measured for a datum of the model that ships."""

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.subject import pretrained

if TYPE_CHECKING:
    from vae_core.labs.misprints import Misprints


@st.cache_resource(max_entries=64, show_spinner="Evaluating both formulas …")
def misprints(index: int) -> "Misprints":
    """Printed and right values for a held-out datum."""
    import torch

    from vae_core.labs.misprints import measure_misprints

    shown = pretrained()
    x = shown.data.x_test[index]
    return measure_misprints(shown.model, x, generator=torch.Generator().manual_seed(index))


def num_data() -> int:
    """Held-out data to choose from."""
    return len(pretrained().data.x_test)
