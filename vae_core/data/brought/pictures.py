"""Images that somebody brings: arrays of pixels, and a zip of pictures."""

from dataclasses import replace
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from vae_core.data.brought.choices import NO_LABELS, Brought, Choices, Orientation, Progress
from vae_core.data.brought.draft import Draft, Known, finished
from vae_core.data.brought.wording import count_of, sentence_of, size_text
from vae_core.data.depth import Scale
from vae_core.data.images import (
    Colours,
    Fit,
    Frames,
    Images,
    LabelsFrom,
    read_frames,
    read_images_zip,
    resized,
    target_size,
)
from vae_core.data.limits import MAX_SIDE
from vae_core.errors import BadInput

SIDES: Final = (8, 16, 28, 32, 48, 64)
"""Pixels of the longer side that are offered."""
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)


def grey_or_coloured(array: NDArray[Any], draft: Draft) -> NDArray[Any]:
    """Images of one to four channels, last or first, as (n, height, width), or with 3 at the end."""
    if array.shape[-1] not in (1, 3, 4) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    channels = array.shape[-1]
    if channels == 1:
        return array[..., 0]
    if channels not in (3, 4):
        message = f"the array has the shape {array.shape}"
        raise BadInput("npy_shape", message, "give images as (n, height, width) or (n, height, width, 3)")
    if draft.choose("colours", "grey", get_args(Colours)) == "kept":
        draft.say(f"{len(array):,} images keep their colours: three values a pixel.", "colours")
        return array[..., :3]
    draft.say(f"{len(array):,} colour images become grey.", "colours")
    grey = array[..., :3].astype(np.float32) @ _LUMA
    return np.rint(grey).astype(array.dtype) if array.dtype.kind in "iu" else grey


def from_pixels(images: NDArray[Any], known: Known, draft: Draft) -> Brought:
    """Images of shape (n, height, width), or (n, height, width, 3), of any numbers."""
    images, known = _without_missing_images(images, known, draft)
    if draft.choose("orientation", "as_stored", get_args(Orientation)) == "transposed":
        images = images.swapaxes(1, 2)
    pixels = _unit(images, draft)
    size = (pixels.shape[1], pixels.shape[2])
    wanted = _size(size, draft)
    if wanted != size:
        if pixels.dtype != np.uint8:
            pixels = np.rint(pixels * 255).astype(np.uint8)
        draft.say(f"Images of {size_text(size)} pixels are resized to {size_text(wanted)}.", "side")
        pixels = resized(np.ascontiguousarray(pixels), wanted)
    x = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    return finished(x, known, draft, image_shape=pixels.shape[1:])


def _size(size: tuple[int, int], draft: Draft) -> tuple[int, int]:
    """The size that images of a size are trained on, by choice."""
    longer = max(size)
    sides = sorted({*(side for side in SIDES if side < longer), min(longer, MAX_SIDE)})
    side = draft.choices.side if draft.choices.side in sides else None
    draft.choices = replace(draft.choices, side=side or sides[-1])
    if len(sides) > 1:
        draft.options["side"] = tuple(map(str, sides))
    return target_size(size, side)


def _without_missing_images(images: NDArray[Any], known: Known, draft: Draft) -> tuple[NDArray[Any], Known]:
    if images.dtype.kind != "f":
        return images, known
    good = np.asarray(np.isfinite(images).all(axis=tuple(range(1, images.ndim))))
    if good.all():
        return images, known
    if not good.any():
        raise BadInput("missing", "every image has values that are no numbers", "fill them in")
    draft.say(sentence_of(int((~good).sum()), "image", "with values that are no numbers", "left out"))
    return images[good], known.kept(good)


def _unit(images: NDArray[Any], draft: Draft) -> NDArray[Any]:
    """Pixels in [0, 1], or bytes that are divided by 255."""
    low, high = float(images.min()), float(images.max())
    if low == high and not 0 <= low <= 1:
        raise BadInput("constant", f"every pixel has the value {low:g}", "choose other images")
    are_whole = images.dtype.kind in "iub" or bool((images == np.round(images)).all())
    if low >= 0 and 127 < high <= 255 and are_whole:
        return images.astype(np.uint8)
    if low >= 0 and high <= 1:
        return images.astype(np.float32)
    if low >= 0 and high <= 255 and are_whole:
        draft.say(f"Pixels of 0 to {high:g} are divided by {high:g}.")
        return (images / high).astype(np.float32)
    draft.say(f"Pixels of {low:g} to {high:g} are scaled to 0 to 1.")
    scaled = (images.astype(np.float64) - low) / (high - low)
    return np.clip(scaled, 0, 1).astype(np.float32)


def from_frames(content: bytes, choices: Choices, say: Progress) -> Brought:
    """Frames or pages of one file, as examples of one size."""
    draft = Draft("frames of one file", choices)
    found = read_frames(content, side=choices.side, colours=choices.colours or "grey", on_progress=say)
    return _of_images(found, draft)


def from_images(content: bytes, choices: Choices, say: Progress) -> Brought:
    """Pictures of a zip, as examples of one size."""
    draft = Draft("pictures", choices)
    wanted: LabelsFrom | None = None
    if choices.labels is not None:
        wanted = "none" if choices.labels == NO_LABELS else _label_source(choices.labels)
    found = read_images_zip(
        content,
        side=choices.side,
        fit=choices.fit or "crop",
        colours=choices.colours or "grey",
        labels_from=wanted,
        frames=choices.frames,
        on_progress=say,
    )
    if found.num_moving:
        draft.choose("frames", found.frames, get_args(Frames))
    return _of_images(found, draft)


def _of_images(found: Images, draft: Draft) -> Brought:
    _say_of_images(found, draft)
    sources = tuple(NO_LABELS if one == "none" else one for one in found.label_sources)
    draft.choose("labels", NO_LABELS if found.labels_from == "none" else found.labels_from, sources)
    _size(next(iter(found.sizes)), draft)
    # Resized already, from the decoded pictures: once, not twice.
    return _turned(found, draft)


def _turned(found: Images, draft: Draft) -> Brought:
    pixels = found.pixels
    if draft.choose("orientation", "as_stored", get_args(Orientation)) == "transposed":
        pixels = pixels.swapaxes(1, 2)
    x = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    texts = None if found.labels is None else list(found.labels)
    return finished(x, Known(texts), draft, image_shape=pixels.shape[1:])


def _label_source(name: str) -> LabelsFrom | None:
    return next((one for one in get_args(LabelsFrom) if one == name), None)


def _say_of_images(found: Images, draft: Draft) -> None:
    size = (found.pixels.shape[1], found.pixels.shape[2])
    others = sum(count for one, count in found.sizes.items() if one != size)
    if others:
        listed = ", ".join(f"{size_text(one)} ({count:,})" for one, count in list(found.sizes.items())[:3])
        more = ", …" if len(found.sizes) > 3 else ""
        done = f"resized to {size_text(size)} pixels; found: {listed}{more}"
        draft.say(sentence_of(others, "picture", "", done), "side")
    shapes = {round(width / height, 2) for height, width in found.sizes}
    if len(shapes) > 1:
        fit = draft.choose("fit", "crop", get_args(Fit))
        how = "cut to the commonest shape" if fit == "crop" else "stretched to the commonest shape"
        draft.say(f"Pictures of other shapes are {how}.", "fit")
    if found.num_colored:
        is_kept = draft.choose("colours", "grey", get_args(Colours)) == "kept"
        done = "kept in colour: three values a pixel" if is_kept else "turned to grey"
        draft.say(sentence_of(found.num_colored, "colour picture", "", done), "colours")
    if found.num_transparent:
        draft.say(sentence_of(found.num_transparent, "picture", "with transparent parts", "put on white"))
    _say_of_scales(found, draft)
    if found.num_moving and found.frames == "first":
        several = count_of(found.num_moving, "picture")
        draft.say(f"Of {several} with several frames or pages the first is used.", "frames")
    elif found.num_moving:
        files = count_of(found.num_moving, "file")
        draft.say(f"Each of the {found.num_frames:,} frames or pages of {files} is an example.", "frames")
    if found.num_left_pages:
        what = "of another size than the first, or a smaller copy of another one,"
        draft.say(sentence_of(found.num_left_pages, "page", what, "left out"))
    if found.num_broken:
        listed = "; ".join(f"‘{name[-60:]}’: {why}" for name, why in found.broken)
        more = "; …" if found.num_broken > len(found.broken) else ""
        draft.say(sentence_of(found.num_broken, "picture", "", f"left out ({listed}{more})"))
    if found.num_skipped:
        draft.say(sentence_of(found.num_skipped, "file", "of another kind", "passed over"))
    if found.num_unlabeled:
        draft.say(sentence_of(found.num_unlabeled, "picture", "without a label", "left out"), "labels")


def _say_of_scales(found: Images, draft: Draft) -> None:
    """What became of values of more than 8 bits."""
    said = [
        sentence_of(scale.num_pictures, "picture", *done)
        for scale in found.scales
        if (done := _scaling(scale))
    ]
    others = len(found.pixels) - sum(scale.num_pictures for scale in found.scales)
    if said and others:
        said.append(sentence_of(others, "picture", "of 8 bits beside them", "divided by 255"))
    for sentence in said:
        draft.say(sentence)
    if found.num_shortened:
        done = "read by the upper 8 bits of each value"
        draft.say(sentence_of(found.num_shortened, "picture", "of several values of 16 bits a pixel", done))


def _scaling(scale: Scale) -> tuple[str, str] | None:
    """What the values are, and what was done; None where nothing was."""
    if (scale.black, scale.white) == (0, 1):
        return None
    kind = "whole numbers" if scale.are_whole else "real numbers"
    what = f"of {kind} from {scale.low:,.6g} to {scale.high:,.6g}"
    if scale.bits is not None:
        return what, f"divided by {scale.white:,.0f}: all values fit in {scale.bits} bits"
    if scale.black == 0:
        return what, f"divided by {scale.white:,.6g}, the largest value of all"
    return what, "scaled to 0 to 1, by the least and the largest value of all"
