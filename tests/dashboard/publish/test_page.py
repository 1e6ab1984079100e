"""The page of a run: all is in the file, the browser may ask for nothing, and no word of a run is markup."""

import base64
import hashlib
import json
import subprocess
import sys
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, Final

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dashboard.cached import pretrained_snapshot
from dashboard.components.latent import payload as latent_payload
from dashboard.publish import page as publish
from dashboard.publish.page import by_planes, half_precision, page_of
from dashboard.runs.runner import LocalRunner
from dashboard.subject import Subject, pretrained
from tests.dashboard.components.test_latent_payload import read
from tests.page_scripts import KINDS, PATIENT, TINY, runner, saved, trained
from tests.polling import DEADLINE_S
from vae_core.config import ModelConfig
from vae_core.runs.snapshot import Snapshot

__all__ = ["runner"]  # a fixture

HOSTILE: Final = (
    "</script><script>alert(1)</script>",
    "</title></template><img src=x onerror=alert(1)>",
    "<!--<script>",
    "'\"><svg/onload=alert(1)>",
    "&lt;b&gt; &amp;",
    "$title ${policy} {0} %s",
    "ِabc ‮ 🙂",
)


class Parsed(HTMLParser):
    """What a browser makes of a page: its elements, their attributes and texts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in ("meta", "br", "input"):
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self.elements[self._open.pop()][0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.elements[index][2].append(data)

    def texts(self, tag: str, **attributes: str) -> list[str]:
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            "".join(text)
            for found, has, text in self.elements
            if found == tag and wanted.items() <= has.items()
        ]

    def text(self, tag: str, **attributes: str) -> str:
        (found,) = self.texts(tag, **attributes)
        return found

    def packed(self, name: str) -> bytes:
        return zlib.decompress(base64.b64decode(self.text("script", id=f"{name}-message"), validate=True))

    @property
    def plane(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the latent explorer is told."""
        planes = np.frombuffer(self.packed("explorer"), np.uint8)
        return read(planes.reshape(4, -1).T.tobytes())

    @property
    def board(self) -> dict[str, Any]:
        """What the training board is told."""
        return json.loads(self.packed("board"))

    @property
    def about(self) -> str:
        return self.text("section", class_="about")

    @property
    def words(self) -> dict[str, str]:
        return dict(zip(self.texts("dt"), self.texts("dd"), strict=True))


def shown(subject: Subject, snapshot: Snapshot, **words: str) -> Parsed:
    return Parsed(publish_html(subject, snapshot, **words))


def publish_html(subject: Subject, snapshot: Snapshot, **words: str) -> str:
    html = page_of(subject, snapshot, **words)
    assert html == html.encode().decode(), "it can be written as UTF-8"
    return html


def of_kind(runner: LocalRunner, config: Any) -> tuple[Subject, Snapshot]:
    run_id = trained(runner, config)
    snapshot = runner.store.snapshot(run_id)
    assert snapshot is not None
    return saved(run_id), snapshot


def flat(subject: Subject, part: str) -> NDArray[np.float32]:
    mlp = getattr(subject.model, part)
    layers = zip(mlp.weights, mlp.biases, strict=True)
    return np.concatenate([each.detach().numpy().ravel() for layer in layers for each in layer])


@pytest.fixture
def digits() -> tuple[Subject, Snapshot]:
    return pretrained(), pretrained_snapshot()


def test_page_of_the_pretrained_model_is_small(digits: tuple[Subject, Snapshot]) -> None:
    assert len(page_of(*digits).encode()) < 3_000_000


def test_page_of_the_default_digits_is_small(runner: LocalRunner) -> None:
    config = replace(TINY, model=ModelConfig(data_dim=64))
    subject, snapshot = of_kind(runner, config)
    long = replace(snapshot, history=np.repeat(snapshot.history, 2000, axis=0))
    assert len(page_of(subject, long).encode()) < 3_000_000


def test_weights_and_posteriors_are_those_of_the_run(digits: tuple[Subject, Snapshot]) -> None:
    subject, snapshot = digits
    meta, arrays = shown(*digits).plane
    for part in ("decoder", "encoder"):
        np.testing.assert_array_equal(arrays[part], flat(subject, part), err_msg=part)
    with torch.no_grad():
        q = subject.model.posterior(subject.data.x_test[:])
    np.testing.assert_array_equal(arrays["means"].reshape(-1, 2), q.mean.numpy())
    np.testing.assert_array_equal(arrays["stds"].reshape(-1, 2), q.std.numpy())
    np.testing.assert_array_equal(arrays["labels"], subject.data.labels_test)
    assert meta["image_shape"] == [8, 8]
    assert meta["kl_per_dim"] == snapshot.kl_per_dim.astype(float).tolist(), (
        "the bars of the board say the same"
    )


def test_curves_are_those_of_the_training(digits: tuple[Subject, Snapshot]) -> None:
    page = shown(*digits)
    last = np.frombuffer(base64.b64decode(page.board["history"]["elbo_held_out"]), "<f4")[-1]
    assert last == np.float32(digits[1].history[-1, 5])
    assert page.board["kl_per_dim"] == page.plane[0]["kl_per_dim"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_has_a_page(runner: LocalRunner, kind: str) -> None:
    subject, snapshot = of_kind(runner, KINDS[kind])
    page = shown(subject, snapshot)
    meta, arrays = page.plane
    latent_dim = subject.config.model.latent_dim
    assert len(arrays["means"]) == latent_dim * len(arrays["labels"])
    assert meta["config"]["encoder_head"] == subject.config.model.encoder_head
    assert (meta["image_shape"] is None) == (kind == "points")
    assert page.board["kind"] == ("points" if kind == "points" else "images")
    assert page.words["Latent dimension J"] == str(latent_dim)
    assert ("KL weight β" in page.words) == (kind != "deterministic")
    assert ("Scale s" in page.words) == (kind == "points")
    assert page.text("p", class_="missing") == ""


def test_twenty_dimensions(runner: LocalRunner) -> None:
    config = replace(TINY, model=replace(TINY.model, latent_dim=20, likelihood="continuous_bernoulli"))
    meta, arrays = shown(*of_kind(runner, config)).plane
    assert len(meta["kl_per_dim"]) == 20
    assert len(arrays["means"]) == 20 * len(arrays["labels"])


def test_learned_prior_has_its_components_on_the_plane(runner: LocalRunner) -> None:
    config = replace(TINY, model=replace(TINY.model, prior="mixture", num_components=3))
    page = shown(*of_kind(runner, config))
    meta, arrays = page.plane
    assert [len(part["mean"]) for part in meta["components"]] == [2, 2, 2]
    assert len(arrays["means"]) == 2 * len(arrays["labels"])
    assert page.text("p", class_="missing") == ""
    assert page.words["Prior p(z)"] == "mixture of Gaussians"
    assert page.words["Components K"] == "3"


def test_a_training_that_diverged_says_so(digits: tuple[Subject, Snapshot]) -> None:
    subject, snapshot = digits
    broken = subject.run.model()
    with torch.no_grad():
        broken.decoder.weights[0][0, 0] = torch.nan
    page = shown(replace(subject, model=broken), snapshot)
    assert page.packed("explorer") == b""
    assert "diverged" in page.text("p", class_="missing")


def test_large_model_is_rounded_and_the_page_says_by_how_much(
    digits: tuple[Subject, Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, _ = digits
    exact = page_of(*digits)
    assert "rounded" not in Parsed(exact).about
    monkeypatch.setattr(publish, "MAX_EXACT_BYTES", 0)
    html = page_of(*digits)
    page = Parsed(html)
    _, arrays = page.plane
    for part in ("decoder", "encoder"):
        np.testing.assert_array_equal(arrays[part], half_precision(flat(subject, part)), err_msg=part)
    assert len(page.text("script", id="explorer-message")) < 0.7 * len(
        Parsed(exact).text("script", id="explorer-message")
    )
    said = float(page.about.partition("by more than ")[2].partition(".This")[0])
    assert 0 < said < 0.02
    assert page.about.count("half precision") == 1


def test_half_precision_is_that_of_numpy() -> None:
    noise = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    ties = 1 + np.arange(1, 20, 2, dtype=np.float32) * 2**-11
    values = np.concatenate([noise, ties, -ties])
    np.testing.assert_array_equal(half_precision(values), values.astype(np.float16).astype(np.float32))
    assert half_precision(np.array([0.0, -0.0, 1e-30, -1e30], np.float32)).tolist() == pytest.approx(
        [0.0, -0.0, 1e-30, -1e30], rel=1e-3
    )


def test_planes_of_bytes() -> None:
    assert by_planes(b"abcdefgh") == b"aebfcgdh"
    assert by_planes(b"abcde") == b"ae" + b"b\0" + b"c\0" + b"d\0"
    assert by_planes(b"") == b""


def test_many_examples_are_cut_and_the_page_says_so(
    digits: tuple[Subject, Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "all 360 held-out images." in shown(*digits).about
    monkeypatch.setattr(publish, "MAX_EXAMPLES", 50)
    monkeypatch.setattr(publish, "MAX_X_BYTES", 64 * 20)
    page = shown(*digits)
    _, arrays = page.plane
    assert (len(arrays["labels"]), len(arrays["x"])) == (50, 64 * 20)
    assert "the first 50 of 360 held-out images; 20 of them can be looked at." in page.about


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_a_run_are_never_markup(digits: tuple[Subject, Snapshot], text: str) -> None:
    subject, snapshot = digits
    plain = Parsed(page_of(*digits, name="name"))
    names = (text, *subject.class_names[1:])
    subject = replace(subject, data=replace(subject.data, class_names=names))
    html = publish_html(subject, replace(snapshot, class_names=names), name=text)
    page = Parsed(html)
    assert [tag for tag, _, _ in page.elements] == [tag for tag, _, _ in plain.elements]
    assert page.text("title") == page.text("h1") == " ".join(text.split())
    assert page.plane[0]["class_names"][0] == page.board["class_names"][0] == text
    attributes = [(tag, sorted(has)) for tag, has, _ in page.elements]
    assert attributes == [(tag, sorted(has)) for tag, has, _ in plain.elements]


def test_browser_may_ask_for_nothing_and_run_one_script(digits: tuple[Subject, Snapshot]) -> None:
    html = page_of(*digits)
    page = Parsed(html)
    metas = [has for tag, has, _ in page.elements if tag == "meta"]
    policy = next(str(has["content"]) for has in metas if has.get("http-equiv") == "Content-Security-Policy")
    script = page.text("script", type="module")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{digest}'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert [has.get("type") for tag, has, _ in page.elements if tag == "script"] == [
        "application/octet-stream",
        "application/octet-stream",
        "module",
    ]
    for tag, has, _ in page.elements:
        assert not {"src", "href", "action", "srcset", "style"} & set(has), tag
        assert not [name for name in has if name.startswith("on")], tag
    for style in page.texts("style"):
        assert "url(" not in style
        assert "@import" not in style
    assert "http://" not in html.replace("http://www.w3.org/", "")
    assert "https://" not in html


def test_the_page_gives_neither_the_key_to_the_run_nor_a_folder_away(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    subject, snapshot = saved(run_id), runner.store.snapshot(run_id)
    assert snapshot is not None
    config = replace(subject.config, data_folder="/home/somebody/secret")
    page = shown(replace(subject, run=replace(subject.run, config=config)), snapshot)
    everything = json.dumps([page.board, page.plane[0], [text for _, _, text in page.elements]])
    assert run_id not in everything
    assert "secret" not in everything


def test_settings_stand_in_words(digits: tuple[Subject, Snapshot]) -> None:
    subject, snapshot = digits
    config = subject.config
    train = replace(
        config.train,
        beta=4.0,
        optimizer="sgd",
        beta_schedule="linear",
        free_bits=0.5,
        patience=10,
        num_epochs=None,
    )
    changed = replace(subject, run=replace(subject.run, config=replace(config, train=train, seed=7)))
    words = shown(changed, snapshot).words
    assert words["KL weight β"] == "4"
    assert words["Optimiser"] == "SGD with momentum"
    assert words["Momentum"] == "0.9"
    assert words["Schedule of β"] == "linear warm-up"
    assert words["Free bits λ"] == "0.5"
    assert words["Patience in epochs"] == "10"
    assert words["Stop after epochs"] == "none: until stopped"
    assert words["Seed"] == "7"
    assert "Momentum" not in shown(*digits).words


def test_a_run_that_stopped_early_says_what_chose_its_weights(runner: LocalRunner) -> None:
    subject, snapshot = of_kind(runner, PATIENT)
    html = publish_html(subject, snapshot)
    assert (
        "Trained on 1,293 images; stopped, and its weights chosen, by 144 further images; measured on" in html
    )
    assert "360 others" in html
    assert shown(subject, replace(snapshot, step=0)).board == shown(subject, snapshot).board


def test_batch_in_words_is_the_one_that_was_trained_with(digits: tuple[Subject, Snapshot]) -> None:
    subject, snapshot = digits
    config = replace(subject.config, train=replace(subject.config.train, batch_size=5000))
    changed = replace(subject, run=replace(subject.run, config=config))
    assert shown(*digits).words["Batch size B"] == "64"
    assert shown(changed, snapshot).words["Batch size B"] == "1,437, all training examples"


@pytest.mark.parametrize("kind", ["J=1", "J=3", "deterministic", "points"])
def test_page_of_a_run_that_goes_on_shows_one_moment(runner: LocalRunner, kind: str) -> None:
    subject, snapshot = of_kind(runner, KINDS[kind])
    pictures = ("means", "stds", "kl_per_dim", "reconstructions", "grid")
    blank = {name: np.zeros_like(getattr(snapshot, name)) for name in pictures}
    earlier = replace(snapshot, step=1, epoch=0, history=snapshot.history[:1], **blank)
    assert shown(subject, earlier).board == shown(subject, snapshot).board


def test_what_makes_the_page_needs_no_streamlit() -> None:
    code = "import sys, dashboard.publish.page; assert 'streamlit' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=DEADLINE_S)


def test_a_decoder_that_takes_too_long_is_not_on_the_page(
    digits: tuple[Subject, Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latent_payload, "MAX_DECODER_PRODUCTS", 100)
    assert "This decoder is too large for a page" in page_of(*digits)
