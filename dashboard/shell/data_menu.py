"""The menu of data sets: those of the catalogue, and those that this browser brought."""

from dashboard.labels import data_title
from dashboard.runs.data_sets import data_sets
from dashboard.shell import browser
from vae_core.data import DATASET_INFO, dataset_info
from vae_core.data.own import NAME
from vae_core.errors import BadInput


def titles(chosen: object = None) -> dict[str, str]:
    """What the data sets are called, by their names.

    Arguments:
        chosen: A name that a link or a run brought along: it is in the menu, too.
    """
    found = {name: info.title for name, info in DATASET_INFO.items()}
    for one in data_sets().of_browser(browser.token()):
        found[one.facts.name] = one.facts.title
    if isinstance(chosen, str) and NAME.fullmatch(chosen):
        found.setdefault(chosen, data_title(chosen))
    return found


def sentence(name: str) -> str:
    """What a data set is, or why it cannot be used."""
    try:
        return dataset_info(name).sentence
    except BadInput as err:
        return str(err)
