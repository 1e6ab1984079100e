"""Pictures from untrusted bytes: one, or a zip of them, as images of one size, in grey or in colour.

Pillow decodes; its size is checked before, of a list of formats that is short.
"""

import csv
import io
import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_core.data.archive import Archive
from vae_core.data.depth import Deep, Scale, measured_values, scaled_values, scales_of
from vae_core.data.limits import MAX_ENTRIES, MAX_PIXELS, MAX_SIDE, MAX_VALUES
from vae_core.errors import BadInput

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""Of pictures that are read, as Pillow names them."""
SUFFIXES: Final = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"))
_LABEL_SUFFIXES: Final = frozenset((".csv", ".tsv", ".txt"))
_MAX_LABELS_BYTES: Final = 4 * 2**20
_SHOWN: Final = 3
_DECODED: Final = 2 * MAX_SIDE
"""Pixels of the longer side that are kept of a picture until all sizes are known."""
_KIND_OF_PAGE: Final = 254
"""The tag of TIFF, NewSubfileType, whose lowest bit marks a smaller copy of another page."""
_COLORED: Final = 8
"""Of 255: red, green and blue of a grey JPEG differ by a little."""
_SEVERAL_OF_16: Final = re.compile(";16[BLN]")
"""In Pillow's name of how values lie in a file, with the order of their bytes: it decodes the upper one."""
Fit = Literal["crop", "stretch"]
Colours = Literal["grey", "kept"]
LabelsFrom = Literal["folders", "file", "none"]
Frames = Literal["all", "first"]


class Images(NamedTuple):
    """Pictures of one size.

    Arguments:
        pixels: Shape (n, height, width), or (n, height, width, 3) in colour, 0 is black.
        names: Of the files they come from.
        labels: A text each; None where there are none, or none are wanted.
        labels_from: Where they come from.
        label_sources: Where they could come from.
        sizes: How many of the files have which (height, width).
        num_colored: How many have colours.
        num_transparent: How many have transparent parts, which become white.
        num_moving: How many files have several frames or pages.
        frames: Whether all of these are pictures of their own, or the first alone counts.
        num_frames: How many pictures these files gave.
        num_left_pages: Pages of another size than the first, or smaller copies, which are left out.
        scales: What pictures of more than 8 bits were scaled by, one for each kind of numbers.
        num_shortened: How many have several values of 16 bits a pixel, of which the upper 8 bits count.
        broken: Names of files that cannot be read, and why, the first few.
        num_broken: How many there are.
        num_skipped: Files that are no pictures.
        num_unlabeled: Pictures without a label, which are left out where there are labels.
    """

    pixels: NDArray[np.uint8]
    names: tuple[str, ...]
    labels: tuple[str, ...] | None
    labels_from: LabelsFrom
    label_sources: tuple[LabelsFrom, ...]
    sizes: Mapping[tuple[int, int], int]
    num_colored: int
    num_transparent: int
    num_moving: int
    frames: Frames
    num_frames: int
    num_left_pages: int
    scales: tuple[Scale, ...]
    num_shortened: int
    broken: tuple[tuple[str, str], ...]
    num_broken: int
    num_skipped: int
    num_unlabeled: int = 0


class _Picture(NamedTuple):
    """A decoded picture, as large as it is or a little larger than it will be.

    Of more than 8 bits it has the values of its file, in floating point, until those of all are known.
    """

    image: Any
    size: tuple[int, int]
    is_colored: bool
    is_transparent: bool
    deep: Deep | None = None
    is_moving: bool = False
    is_shortened: bool = False


class _Files(Protocol):
    """Files with their names: a zip archive, or one file."""

    names: tuple[str, ...]
    num_skipped: int

    def read(self, place: int, *, most: int = ...) -> bytes:
        """One of them."""
        ...


class _OneFile:
    """One file, without a name."""

    names: tuple[str, ...] = ("",)
    num_skipped: int = 0

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, place: int, *, most: int = 0) -> bytes:
        """The file; ``most`` is for others."""
        del place, most
        return self._content


def read_images_zip(
    content: bytes,
    *,
    side: int | None = None,
    fit: Fit = "crop",
    colours: Colours = "grey",
    labels_from: LabelsFrom | None = None,
    frames: Frames | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Images:
    """Reads the pictures of a zip archive: PNG, JPEG, WebP, BMP, GIF and TIFF.

    They become grey (ITU-R BT.601 luma) or, where one has colours and these are kept, red, green and blue;
    upright as their EXIF data say, on white where they are
    transparent, and of one size: that which most of them have, made smaller to ``MAX_SIDE`` where it is
    larger. A label is the folder that a picture lies in, or what a file of labels in the archive says:
    a line each with the name of a picture and its label. Bytes are kept; pictures of more than 8 bits have
    one scale for all of them, as :func:`vae_core.data.depth.scales_of` says.

    Arguments:
        content: The archive.
        side: Pixels of the longer side; None: as it is, ``MAX_SIDE`` at most.
        fit: How a picture of another shape becomes one of that shape.
        colours: Whether colours become grey or are kept.
        labels_from: Where labels come from; None: the file where there is one, else folders.
        frames: Whether all frames or pages of a file are pictures, or the first; None: all, where most of the
            files have several.
        on_progress: Told the share that is done.

    Raises:
        BadInput: ``images_none``, ``images_broken`` (more than half cannot be read), ``images_size``, or as
            :class:`vae_core.data.archive.Archive`.
    """
    archive = Archive(content)
    places = [place for place, name in enumerate(archive.names) if _suffix(name) in SUFFIXES]
    if not places:
        hint = f"pack {', '.join(FORMATS)} files"
        raise BadInput("images_none", "the zip holds no pictures", hint)
    found = _decoded_files(archive, places, colours, on_progress)
    frames = frames or (
        "all" if 2 * sum(one.is_moving for one in found.pictures) > len(found.names) else "first"
    )
    if frames == "all":
        # Read once more, from the start: what is unpacked is counted anew.
        found = _with_frames(Archive(content), found, colours)
    return _one_size(archive, found, frames, (side, fit, colours), labels_from, on_progress)


def read_frames(
    content: bytes,
    *,
    side: int | None = None,
    colours: Colours = "grey",
    on_progress: Callable[[float], None] = lambda share: None,
) -> Images:
    """Reads the frames or pages of one file, as a GIF or a TIFF has them, as :func:`read_images_zip` does.

    Pages of another size than the first, and smaller copies of others, are left out.

    Arguments:
        content: The file.
        side: Pixels of the longer side; None: as it is, ``MAX_SIDE`` at most.
        colours: Whether colours become grey or are kept.
        on_progress: Told the share that is done.

    Raises:
        BadInput: It is one picture (code ``one_image``), or as :func:`read_images_zip`.
    """
    file = _OneFile(content)
    try:
        found = _decoded_files(file, [0], colours, on_progress)
    except BadInput as err:
        raise _one_picture() from err
    if not found.pictures[0].is_moving:
        raise _one_picture()
    found = _with_frames(file, found, colours)
    return _one_size(file, found, "all", (side, "crop", colours), "none", on_progress)


def _one_picture() -> BadInput:
    return BadInput("one_image", "this is one picture", "choose several, or a zip of them")


class _Found(NamedTuple):
    """Decoded pictures, the name and the place of the file of each, and what is wrong with others."""

    pictures: list[_Picture]
    names: list[str]
    places: list[int]
    broken: list[tuple[str, BadInput]]
    num_files: int
    num_left_pages: int = 0


def _decoded_files(
    files: _Files, places: Sequence[int], colours: Colours, on_progress: Callable[[float], None]
) -> _Found:
    """The first frame of each file."""
    found = _Found([], [], [], [], len(places))
    for number, place in enumerate(places):
        name = files.names[place]
        try:
            found.pictures.append(_decoded(files.read(place), colours))
            found.names.append(name)
            found.places.append(place)
        except BadInput as err:
            if not err.code.startswith("image_"):
                raise
            found.broken.append((name, err))
        on_progress((number + 1) / len(places) * 0.8)
    if 2 * len(found.broken) > len(places):
        (_, first), *_ = found.broken
        message = f"{len(found.broken):,} of {len(places):,} pictures cannot be read: {first.message}"
        hint = first.hint if first.code == "image_values" else "save them as PNG or JPEG"
        raise BadInput("images_broken", message, hint)
    return found


def _with_frames(files: _Files, found: _Found, colours: Colours) -> _Found:
    """All frames in the place of the first."""
    pictures, names, places, broken, num_left = [], [], [], list(found.broken), 0
    for picture, name, place in zip(found.pictures, found.names, found.places, strict=True):
        one = [picture]
        if picture.is_moving:
            one, left, refusal = _frames(files.read(place), colours, MAX_ENTRIES - len(pictures))
            num_left += left
            if refusal is not None:
                broken.append((f"{name}, page {len(one) + left + 1}".lstrip(", "), refusal))
        pictures += one
        names += [name] * len(one)
        places += [place] * len(one)
    return _Found(pictures, names, places, broken, found.num_files, num_left)


def _one_size(
    files: _Files,
    found: _Found,
    frames: Frames,
    how: tuple[int | None, Fit, Colours],
    labels_from: LabelsFrom | None,
    on_progress: Callable[[float], None],
) -> Images:
    """The pictures with a label, of one size."""
    from PIL import Image

    (side, fit, colours), pictures = how, found.pictures
    labels, source, sources, unlabeled = _labelled(files, found.names, labels_from)
    sizes = Counter(picture.size for picture in pictures)
    kept = [place for place in range(len(pictures)) if labels is None or labels[place] is not None]
    height, width = target_size(sizes.most_common(1)[0][0], side)
    in_colour = colours == "kept" and any(picture.is_colored for picture in pictures)
    shape = (height, width, 3) if in_colour else (height, width)
    if len(kept) * math.prod(shape) > MAX_VALUES:
        message = f"{len(kept):,} images of {' x '.join(map(str, shape))} values are more than {MAX_VALUES:,}"
        raise BadInput("images_size", message, "choose a smaller size")
    pixels = np.empty((len(kept), *shape), np.uint8)
    scales = scales_of([pictures[place].deep for place in kept])
    for row, place in enumerate(kept):
        image, deep = pictures[place].image, pictures[place].deep
        if deep is not None:
            image = Image.fromarray(scaled_values(np.asarray(image), scales[deep.numbers]))
        pixels[row] = _fitted(image.convert("RGB" if in_colour else "L"), (height, width), fit)
    on_progress(1.0)
    moving = [place for place, picture in zip(found.places, pictures, strict=True) if picture.is_moving]
    return Images(
        pixels=pixels,
        names=tuple(found.names[place] for place in kept),
        labels=None if labels is None else tuple(str(labels[place]) for place in kept),
        labels_from=source,
        label_sources=sources,
        sizes=dict(sizes.most_common()),
        num_colored=sum(picture.is_colored for picture in pictures),
        num_transparent=sum(picture.is_transparent for picture in pictures),
        num_moving=len(set(moving)),
        frames=frames,
        num_frames=len(moving),
        num_left_pages=found.num_left_pages,
        scales=tuple(scales.values()),
        num_shortened=sum(picture.is_shortened for picture in pictures),
        broken=tuple((name, err.message) for name, err in found.broken[:_SHOWN]),
        num_broken=len(found.broken),
        num_skipped=files.num_skipped + len(files.names) - found.num_files,
        num_unlabeled=unlabeled,
    )


def target_size(size: tuple[int, int], side: int | None) -> tuple[int, int]:
    """(height, width) with the longer side ``side``, of the same shape; None: as it is, at most ``MAX_SIDE``.

    Example:
        >>> target_size((480, 640), None), target_size((28, 28), None), target_size((28, 28), 16)
        ((48, 64), (28, 28), (16, 16))
    """
    longer = max(size)
    wanted = min(side or longer, MAX_SIDE)
    height, width = (max(1, round(one * wanted / longer)) for one in size)
    return height, width


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Images, shape (n, height, width) or (n, height, width, 3), in another size."""
    from PIL import Image

    found = np.empty((len(pixels), *size, *pixels.shape[3:]), np.uint8)
    for row, one in enumerate(pixels):
        found[row] = _fitted(Image.fromarray(one), size, "stretch")
    return found


def _decoded(content: bytes, colours: Colours) -> _Picture:
    """One picture, or its first frame; raises ``BadInput`` with a code that begins with ``image_``."""
    with _refusals():
        return _picture(_opened(content), colours)


def _frames(content: bytes, colours: Colours, most: int) -> tuple[list[_Picture], int, BadInput | None]:
    """The frames of a file, how many pages are left out, and why what comes after these cannot be read.

    A TIFF may have the same picture once more, smaller, for programs that show it from afar.
    """
    found: list[_Picture] = []
    num_left = 0
    try:
        with _refusals():
            image = _opened(content)
            size = image.size
            while True:
                is_copy = bool(int(getattr(image, "tag_v2", {}).get(_KIND_OF_PAGE, 0)) & 1)
                if is_copy or image.size != size:
                    num_left += 1
                else:
                    found.append(_picture(image, colours)._replace(is_moving=True))
                if len(found) + num_left > most:
                    message = f"there are more than {MAX_ENTRIES:,} frames or pages"
                    raise BadInput("images_size", message, "use fewer, or the first of each file")
                try:
                    image.seek(image.tell() + 1)
                except EOFError:
                    return found, num_left, None
    except BadInput as err:
        if not err.code.startswith("image_"):
            raise
        return found, num_left, err


def _opened(content: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(content), formats=FORMATS)


def _picture(image: Any, colours: Colours) -> _Picture:
    """The frame that an opened file is at."""
    if image.width * image.height > MAX_PIXELS:
        message = f"it has {image.width:,} x {image.height:,} pixels, more than {MAX_PIXELS:,}"
        raise BadInput("image_size", message, "make it smaller")
    size, is_moving = image.size, bool(getattr(image, "is_animated", False))
    is_shortened = not _is_deep(image) and _SEVERAL_OF_16.search(str(image.tile)) is not None
    # Of a JPEG that is much larger only the coarse part is decoded.
    image.draft("L" if image.mode == "L" else "RGB", (_DECODED, _DECODED))
    return _upright(image, size, colours)._replace(is_moving=is_moving, is_shortened=is_shortened)


@contextmanager
def _refusals() -> Iterator[None]:
    """Raises ``BadInput`` for whatever Pillow meets in a file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as err:
        raise BadInput("image_size", f"it has more than {MAX_PIXELS:,} pixels", "make it smaller") from err
    except UnidentifiedImageError as err:
        message = "it is none of " + ", ".join(FORMATS)
        raise BadInput("image_format", message, "save it as PNG") from err
    except BadInput:
        raise
    # Decoders raise whatever they meet in a damaged file, struct.error and SyntaxError among it.
    except Exception as err:
        if isinstance(err, MemoryError):
            raise
        raise BadInput("image_broken", "it is damaged or cut short", "save it again") from err


def _upright(image: Any, size: tuple[int, int], colours: Colours) -> _Picture:
    """The picture upright, in grey where colours are not kept; ``size`` is (width, height) as stored."""
    from PIL import Image, ImageOps

    image.load()
    stored, image = image.size, ImageOps.exif_transpose(image)
    width, height = size if image.size == stored else size[::-1]
    is_colored = is_transparent = False
    deep = None
    if _is_deep(image):
        values = np.asarray(image)
        deep = measured_values(values)
        image = Image.fromarray(values.astype(np.float32))
    elif image.mode not in ("1", "L"):
        if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
            image = image.convert("RGBA")
            is_transparent = image.getchannel("A").getextrema()[0] < 255
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB")
        is_colored = _has_color(image)
    if deep is None and not (is_colored and colours == "kept"):
        image = image.convert("L")
    if max(image.size) > _DECODED:
        image.thumbnail((_DECODED, _DECODED), reducing_gap=2.0)
    return _Picture(image, (height, width), is_colored, is_transparent, deep)


def _is_deep(image: Any) -> bool:
    """Whether a grey picture has more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def _has_color(image: Any) -> bool:
    from PIL import ImageChops

    red, green, blue = image.split()
    # Pillow finds the largest by itself: an array of each picture took a seventh of the time of all reading.
    largest: list[Any] = [ImageChops.difference(green, other).getextrema()[1] for other in (red, blue)]
    return max(largest) > _COLORED


def _fitted(image: Any, size: tuple[int, int], fit: Fit) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    height, width = size
    if image.size != (width, height):
        method = Image.Resampling.BOX if min(image.size) > min(size) else Image.Resampling.BILINEAR
        if fit == "crop":
            image = ImageOps.fit(image, (width, height), method=method)
        else:
            image = image.resize((width, height), method)
    return np.asarray(image, np.uint8)


def _labelled(
    archive: _Files, names: Sequence[str], wanted: LabelsFrom | None
) -> tuple[list[str | None] | None, LabelsFrom, tuple[LabelsFrom, ...], int]:
    """A label each, where they come from and could come from, and how many pictures have none."""
    found: dict[LabelsFrom, list[str | None]] = {}
    of_file = _labels_in_file(archive, names)
    if of_file is not None:
        found["file"] = of_file
    folders: list[str | None] = [PurePosixPath(name).parent.name or None for name in names]
    # A folder that everything lies in tells nothing.
    if len({folder for folder in folders if folder}) > 1:
        found["folders"] = folders
    sources: tuple[LabelsFrom, ...] = (*found, "none")
    source = wanted if wanted in sources else sources[0]
    labels = found.get(source)
    return labels, source, sources, 0 if labels is None else sum(label is None for label in labels)


def _labels_in_file(archive: _Files, names: Sequence[str]) -> list[str | None] | None:
    """The label of each picture by a file of lines ``name, label``; None where no file names most of them."""
    for place, name in enumerate(archive.names):
        if _suffix(name) not in _LABEL_SUFFIXES:
            continue
        text = archive.read(place, most=_MAX_LABELS_BYTES).decode("utf-8-sig", errors="replace")
        by_name: dict[str, str] = {}
        for line in text.splitlines():
            mark = next((mark for mark in "\t;," if mark in line), " ")
            try:
                cells = [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [])]
            except csv.Error:
                continue
            if len(cells) >= 2 and cells[0] and cells[1]:
                by_name[cells[0].replace("\\", "/")] = cells[1]
        labels = [
            by_name.get(one, by_name.get(PurePosixPath(one).name, by_name.get(PurePosixPath(one).stem)))
            for one in names
        ]
        if 2 * sum(label is not None for label in labels) > len(names):
            return labels
    return None


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.casefold()
