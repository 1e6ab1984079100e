"""What people say about a run: its name, a note, tags, when it began, and what it was copied from.

The text may be anything that somebody types. It is data: it stands in ``about.json`` and on pages, and never
in a path.
"""

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

MAX_NAME: Final = 300
MAX_NOTE: Final = 4000
MAX_TAG: Final = 60
MAX_TAGS: Final = 20
SWEEP: Final = "sweep "
"""What the tag begins with that the runs of one sweep share."""
_MAX_STEM: Final = 60
RUN_ID: Final = re.compile(r"[0-9a-f]{16}")
_JOINERS: Final = "\u200c\u200d"
"""Invisible, but letters of some scripts and some emoji need them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What people say about a run. Text is made printable and cut to its longest, whatever it was.

    Arguments:
        name: One line; empty where nobody has named the run.
        note: Any number of lines.
        tags: Each once, in the order of their writing.
        created: When the run came to be, in seconds since 1970.
        parent: Id of the run that it was copied from; None: it began by itself.
        parent_step: The step of the parent at which it began.
    """

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    created: float = 0.0
    parent: str | None = None
    parent_step: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", one_line(self.name, MAX_NAME))
        object.__setattr__(self, "note", _printable(self.note, "\n").strip()[:MAX_NOTE])
        tags = dict.fromkeys(one_line(tag, MAX_TAG) for tag in self.tags)
        object.__setattr__(self, "tags", tuple(tag for tag in tags if tag)[:MAX_TAGS])

    @property
    def sweep(self) -> str | None:
        """The tag of the sweep that the run belongs to; None for a run by itself."""
        return next((tag for tag in self.tags if tag.startswith(SWEEP)), None)

    def to_json(self) -> str:
        """The text of ``about.json``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "About":
        """Reads what :meth:`to_json` wrote; what is malformed is as if it had not been said.

        Example:
            >>> About.from_json('{"name": "Tuesday", "tags": 7, "colour": "red"}').name
            'Tuesday'
        """
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        return cls.from_said(said)

    @classmethod
    def from_said(cls, said: object) -> "About":
        """The same of plain values."""
        values: dict[str, Any] = said if isinstance(said, dict) else {}
        created, step, parent = (values.get(name) for name in ("created", "parent_step", "parent"))
        tags = values.get("tags")
        return cls(
            name=_text(values.get("name")),
            note=_text(values.get("note")),
            tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
            created=float(created) if isinstance(created, int | float) and _is_time(created) else 0.0,
            parent=parent if isinstance(parent, str) and RUN_ID.fullmatch(parent) else None,
            parent_step=step if isinstance(step, int) and not isinstance(step, bool) and step >= 0 else None,
        )

    def renamed(self, **changes: object) -> "About":
        """The same run with another ``name``, ``note`` or ``tags``; anything else is a ``TypeError``."""
        unknown = set(changes) - {"name", "note", "tags"}
        if unknown:
            raise TypeError(f"a run has no {', '.join(sorted(unknown))} that people may change")
        return replace(self, **changes)  # type: ignore[arg-type]


def one_line(text: str, longest: int) -> str:
    """Text as one printable line of at most ``longest`` characters.

    Line breaks and other control characters become spaces; marks that turn the direction of writing go, so
    that a name never changes how the text around it reads.

    Example:
        >>> one_line("  two\\nlines\\0 \\u202egnp.exe", 40)
        'two lines gnp.exe'
    """
    return " ".join(_printable(text, "").split())[:longest].rstrip()


def file_stem(about: About, run_id: str) -> str:
    """A name for files of a run that every system takes: ``beta-4-a3f1``; of an unnamed run ``run-a3f1``.

    Letters and digits of any script stay, all else is a hyphen.

    Example:
        >>> file_stem(About(name="../β = 4: tea\\r\\nX: y"), "a3f1" * 4)
        'β-4-tea-X-y-a3f1'
    """
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", about.name)).strip("-")
    return f"{words[:_MAX_STEM].strip('-') or 'run'}-{run_id[:4]}"


def name_in_file(file_name: str) -> str:
    """The name that a file of :func:`file_stem` was given; empty for that of an unnamed run.

    Example:
        >>> name_in_file("beta-4-a3f1.safetensors"), name_in_file("run-a3f1 (2).safetensors")
        ('beta-4', '')
    """
    stem = re.split(r"[/\\]", file_name)[-1].removesuffix(".safetensors")
    stem = re.sub(r"-[0-9a-f]{4}( ?\(\d+\))?$", "", stem)
    return "" if stem == "run" else one_line(stem, MAX_NAME)


def tags_of(text: str) -> tuple[str, ...]:
    """Tags from text with commas between them."""
    return About(tags=tuple(re.split(r"[,;\n]", text))).tags


def _printable(text: str, kept: str) -> str:
    return "".join(_letters(text, kept))


def _letters(text: str, kept: str) -> Iterator[str]:
    for letter in text:
        kind = unicodedata.category(letter)
        if letter in kept or letter in _JOINERS:
            yield letter
        elif kind in ("Cc", "Zl", "Zp"):
            yield " "
        elif kind not in ("Cf", "Cs"):
            yield letter


def _text(said: object) -> str:
    return said if isinstance(said, str) else ""


def _is_time(seconds: float) -> bool:
    return not isinstance(seconds, bool) and math.isfinite(seconds) and 0 <= seconds < 1e11
