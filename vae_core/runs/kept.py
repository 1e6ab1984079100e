"""The earlier states of a run: kept at logarithmic steps, within a limit of size however long it trains.

Of each kept step there are two files in the folder ``kept`` of the run: ``STEP.run.safetensors``, to go on
from bit for bit, and ``STEP.snapshot.safetensors``, to draw without PyTorch.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from safetensors import SafetensorError, safe_open

from vae_core.errors import BadInput
from vae_core.runs.snapshot import Snapshot, read_snapshot, write_snapshot

if TYPE_CHECKING:
    from vae_core.runs.runfile import Run

MAX_STEPS: Final = 40
"""Kept steps of a run at most: two for each doubling until a million updates."""
LIMIT_BYTES: Final = 48 * 2**20
"""Bytes of all kept steps of a run at most: 40 of the digits are a quarter of it, of MNIST it holds 14."""
FEW, VERY_FEW = 20, 10
"""Where no more steps fit than that, fewer are written at all."""
WhyNone = Literal["never", "too_large", "no_room"]
_RUN: Final = re.compile(r"(\d{1,15})\.run\.safetensors")


def is_due(step: int, *, fits: int = MAX_STEPS) -> bool:
    """Whether a step is one to keep: two in each doubling, powers of two, or powers of four.

    The same steps for every run of a size, so that two runs can be compared at them.

    Arguments:
        step: Updates made.
        fits: How many of the run can be kept: what would have to go again soon is not written.

    Example:
        >>> [step for step in range(65) if is_due(step)]
        [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
        >>> [step for step in range(65) if is_due(step, fits=5)]
        [0, 1, 4, 16, 64]
    """
    if fits >= FEW:
        return step % (1 << max(0, step.bit_length() - 2)) == 0
    return step & (step - 1) == 0 and (fits >= VERY_FEW or step.bit_length() % 2 == 1 or step == 0)


def thinned(sizes: Mapping[int, int], *, most: int = MAX_STEPS, limit: int = LIMIT_BYTES) -> tuple[int, ...]:
    """Which of some steps stay, ascending: about evenly spaced logarithms, the first and the last among them.

    Removes, again and again, the step whose neighbours are nearest to each other by (next + 1) /
    (previous + 1), the earliest of several: the steps of a run that trains on and on lie further and further
    apart, all alike.

    Arguments:
        sizes: Bytes of each step.
        most: Steps that stay at most.
        limit: Bytes of all that stay at most; where the first and the last alone are more, none stay.

    Example:
        >>> thinned({step: 1 for step in range(65) if is_due(step)}, most=8)
        (0, 1, 2, 4, 8, 16, 32, 64)
    """
    steps = sorted(sizes)
    total = sum(sizes.values())
    while len(steps) > 2 and (len(steps) > most or total > limit):
        gaps = [(after + 1) / (before + 1) for before, after in zip(steps, steps[2:], strict=False)]
        total -= sizes[steps.pop(1 + gaps.index(min(gaps)))]
    return tuple(steps) if total <= limit else ()


class KeptSteps:
    """The kept steps of one run.

    Arguments:
        folder: ``kept`` in the run's folder; it need not be there.
        limit: Bytes of all of them at most.
    """

    def __init__(self, folder: Path, *, limit: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit = limit
        self._is_too_large = False
        self._fits = MAX_STEPS

    def wants(self, step: int) -> bool:
        """Whether a run that stands at a step is to be kept."""
        return is_due(step, fits=self._fits) and not self._is_too_large and step not in self.steps()

    def steps(self) -> tuple[int, ...]:
        """The steps, ascending."""
        found: list[int] = []
        with contextlib.suppress(OSError):
            for name in os.listdir(self._folder):
                match = _RUN.fullmatch(name)
                if match is not None:
                    found.append(int(match[1]))
        return tuple(sorted(found))

    def why_none(self, run_bytes: int) -> WhyNone:
        """Why no step is kept, where none is.

        Arguments:
            run_bytes: Of the newest run file and its snapshot: a step would be as large.

        Returns:
            ``"never"``: this folder was never begun; the run is older than kept steps, or came as one file.
            ``"too_large"``: two steps do not fit. ``"no_room"``: the disk was full, so that they could not be
            written, or were given up for the run itself.
        """
        if not self._folder.is_dir():
            return "never"
        return "too_large" if 2 * run_bytes > self._limit else "no_room"

    def run_file(self, step: int) -> Path:
        """The file to go on from at a step that is kept."""
        return self._folder / f"{step}.run.safetensors"

    def snapshot(self, step: int) -> Snapshot | None:
        """Curves and pictures as they were at a step; None where it is not kept, or cannot be read."""
        try:
            snapshot = read_snapshot(self._snapshot_file(step))
            with safe_open(self.run_file(step), framework="np") as file:
                history = np.asarray(file.get_tensor("history"), dtype=np.float64)
        except (BadInput, OSError, SafetensorError):
            return None
        return replace(snapshot, history=history)

    def keep(self, run: "Run", snapshot: Snapshot) -> None:
        """Keeps a run as it stands, and removes other steps where they become too many or too large.

        Arguments:
            run: To go on from.
            snapshot: Of the same step.

        Raises:
            OSError: The disk is full.
        """
        from vae_core.runs.runfile import save_run

        self._folder.mkdir(exist_ok=True)
        curves = {name: getattr(snapshot, name)[:0] for name in ("history", "later", "validation")}
        # The curves are in the run file already. A step counts as kept with its run file: that comes last.
        write_snapshot(self._snapshot_file(run.step), replace(snapshot, **curves))
        save_run(self.run_file(run.step), run, durable=False)
        sizes = self._sizes()
        stays = thinned(sizes, limit=self._limit)
        self._fits = self._limit // sizes[run.step]
        self._is_too_large = not stays or 2 * sizes[run.step] > self._limit
        for step in sizes.keys() - set(stays):
            self._remove(step)

    def forget_after(self, step: int) -> None:
        """Removes the steps after one: the run goes on from there differently."""
        for later in self.steps():
            if later > step:
                self._remove(later)

    def give_up(self) -> bool:
        """Removes all steps and keeps none from now on; returns whether there were any."""
        found = self.steps()
        for step in found:
            self._remove(step)
        self._is_too_large = True
        return bool(found)

    def copy_to(self, folder: Path, *, up_to: int) -> None:
        """Has another run keep the same steps, without another copy of their content where the disk can.

        Arguments:
            folder: ``kept`` of the other run.
            up_to: The last step that counts.
        """
        for step in self.steps():
            if step > up_to:
                break
            folder.mkdir(exist_ok=True)
            for source in (self._snapshot_file(step), self.run_file(step)):
                # One that its run removes meanwhile is not kept by the other one either.
                with contextlib.suppress(FileNotFoundError):
                    _link(source, folder / source.name)

    def _snapshot_file(self, step: int) -> Path:
        return self._folder / f"{step}.snapshot.safetensors"

    def _files(self, step: int) -> tuple[Path, Path]:
        return self.run_file(step), self._snapshot_file(step)

    def _sizes(self) -> dict[int, int]:
        return {step: sum(path.stat().st_size for path in self._files(step)) for step in self.steps()}

    def _remove(self, step: int) -> None:
        for path in self._files(step):
            path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    # The files are only ever replaced as a whole, so that one content may have two names.
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
