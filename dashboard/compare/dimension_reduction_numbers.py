"""The comparison in numbers and words: tables with the best in bold, and verdicts made of the numbers."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from dashboard.formats import signed
from vae_core.labs.reduction.results import Reference, Results
from vae_core.labs.reduction.scores import MEASURES, Score, difference, outcome, ranking, winners

Found = Mapping[str, Results]
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
TABLES_IN_A_ROW: Final = 3


def scores_of(key: str, found: Found, reference: Reference) -> dict[str, Score]:
    """The scores of the methods that have one."""
    scores = {name: MEASURES[key].of(results, reference) for name, results in found.items()}
    return {name: score for name, score in scores.items() if score is not None}


def written(key: str, name: str, score: Score) -> str:
    """A method's score with its standard error; the VAE's log p(x) is a lower bound."""
    digits = MEASURES[key].digits
    at_least = "≥ " if key == "log_prob" and name.startswith("VAE") else ""
    return f"{at_least}{signed(score.value, digits)}{NO_BREAK}±{NO_BREAK}{score.standard_error:.{digits}f}"


def table(keys: Sequence[str], found: Found, reference: Reference) -> dict[str, list[str]]:
    """A row for each method; bold is the best, and what does not clearly differ from it.

    A measure that no method has gets no column.
    """
    columns = {"method": list(found)}
    for key in keys:
        measure, scores = MEASURES[key], scores_of(key, found, reference)
        if not scores:
            continue
        best = winners(measure, scores)
        cells = columns[f"{measure.title} {'↑' if measure.higher_is_better else '↓'}"] = []
        for name in found:
            # On a narrow screen a line may break before the sign.
            text = written(key, name, scores[name]).replace(NO_BREAK, " ", 1) if name in scores else "–"
            cells.append(f"**{text}**" if name in best else text)
    return columns


def draw_tables(questions: Mapping[str, Sequence[str]], found: Found, reference: Reference) -> None:
    """All measures of all methods, and what they are.

    One table of five methods and ten measures is wider than a phone; one for each question is not.
    """
    st.markdown("**All numbers**")
    tables = {question: table(keys, found, reference) for question, keys in questions.items()}
    filled = [(question, columns) for question, columns in tables.items() if len(columns) > 1]
    for start in range(0, len(filled), TABLES_IN_A_ROW):
        row = filled[start : start + TABLES_IN_A_ROW]
        for place, (question, columns) in zip(st.columns(TABLES_IN_A_ROW), row, strict=False):
            with place:
                st.markdown(question)
                st.table(columns, hide_index=True)
    count = len(next(iter(found.values())).codes)
    st.caption(
        f"↑ more is better, ↓ less is better; mean over {count} held-out data ± standard error. Bold: the "
        "best, and what differs from it by less than two standard errors of the difference. Another training "
        "or split may differ by more: change the seed."
    )
    with st.expander("What is measured, and how"):
        for measure in MEASURES.values():
            st.markdown(f"**{measure.title}**: {measure.help_text}")


def verdict(key: str, found: Found, reference: Reference) -> str:
    """Who is best in one measure, by how much, and how the VAE does against PCA."""
    measure, scores = MEASURES[key], scores_of(key, found, reference)
    if not scores:
        return ""
    best = winners(measure, scores)
    first = ranking(measure, scores)[0]
    unit = measure.title if key == "log_prob" else f"{measure.title[0].upper()}{measure.title[1:]}"
    if not best:
        text = f"{unit}: **{first}** alone has one, {written(key, first, scores[first])}"
    elif len(best) == 1:
        text = f"{unit}: best is **{first}** with {written(key, first, scores[first])}"
    else:
        text = f"{unit}: best are **{_listed(best)}**, which do not clearly differ"
    vae = vae_name(scores)
    if vae is None or "PCA" not in scores:
        return f"{text}."
    gap = difference(scores[vae], scores["PCA"])
    digits = measure.digits
    word = outcome(measure, scores[vae], scores["PCA"])
    end = "no clear difference" if word == "no clear difference" else f"the VAE is {word}"
    return f"{text}. VAE − PCA: {signed(gap.value, digits)} ± {gap.standard_error:.{digits}f}, {end}."


def summary(found: Found, reference: Reference) -> str:
    """The question of the whole laboratory, answered by counting: VAE against PCA in each measure."""
    groups: dict[str, list[str]] = {"better": [], "worse": [], "no clear difference": []}
    for key, measure in MEASURES.items():
        scores = scores_of(key, found, reference)
        vae = vae_name(scores)
        if vae is not None and "PCA" in scores:
            groups[outcome(measure, scores[vae], scores["PCA"])].append(measure.title)
    parts = [
        f"**{word}** in {len(titles)} ({', '.join(titles)})" for word, titles in groups.items() if titles
    ]
    who = vae_name(found)
    total = sum(map(len, groups.values()))
    return f"{who} against PCA in {total} measures: {'; '.join(parts)}." if total else ""


def vae_name(names: Mapping[str, object]) -> str | None:
    """The VAE among the methods: the one trained here, else the one that ships."""
    return next((name for name in reversed(list(names)) if name.startswith("VAE")), None)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
