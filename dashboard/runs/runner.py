"""The runs of this server: which there are, how each stands, and who may steer it.

No Streamlit here. The registry is an object of this module, not a Streamlit cache, which any visitor may
clear. Each run has a folder named by 16 hex digits: what a browser sends is only ever such an id, and the
token by which its runs are its own.
"""

import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dashboard.runs import copies
from dashboard.runs.about import About
from dashboard.runs.catalog import Catalog, Entry, read_entry
from dashboard.runs.job import ACTIVE, RESUMABLE, Changes, Job, JobView, is_owner, is_under_way, no_progress
from dashboard.runs.needs import check_needs, on_suitable_device
from dashboard.runs.opened import Opened
from dashboard.runs.scheduler import Scheduler, scheduler
from dashboard.runs.store import RunStore, digest_of, kept_folder
from dashboard.runs.worker_process import GRACE_S
from dashboard.runs.workers import Workers
from vae_core.config import RunConfig
from vae_core.errors import BadInput

LOOKS_APART_S: Final = 3.0
"""At most one save in this time for those who look: thirty watchers cost the run no more than one."""
KEPT_DELETED_S: Final = 24 * 3600.0
"""How long a deleted run can be taken back."""
SHOWN_S: Final = 24 * 3600.0
"""A run that was looked at in this time may stand on a page that is still open: it is not removed."""
_UNENDED: Final = ACTIVE | {"interrupted"}
_STEPS: Final = ("step", "epoch")


class LocalRunner:
    """Runs trainings on this machine, in processes of their own (:class:`~dashboard.runs.workers.Workers`).

    Arguments:
        home: Where the run folders are.
        max_running: Trainings at a time; None: all cores but one.
        scheduler: Shared with the tasks; None: of this runner alone.
    """

    def __init__(
        self, home: Path, *, max_running: int | None = None, scheduler: Scheduler | None = None
    ) -> None:
        self.store = RunStore(home)
        self.deleted = RunStore(home, "deleted")
        """What was deleted within a day, and can be taken back."""
        self.opened = Opened(home / "browsers")
        self.catalog = Catalog(self.store, home / "catalog.sqlite")
        self.scheduler = Scheduler(cores=max_running) if scheduler is None else scheduler
        self._lock = self.scheduler.lock
        self._jobs: dict[str, Job] = {}
        self.workers = Workers(self.store, self.scheduler)
        self._deleted_at: dict[str, float] = {}
        self._forget_deleted()

    def set_lecturer(self, token: str) -> None:
        """Has the browser with this token come first from now on."""
        self.scheduler.set_lecturer(digest_of(token))

    def submit(
        self,
        config: RunConfig,
        *,
        owner: str,
        copy_of: str | None = None,
        at_step: int | None = None,
        changes: Changes | None = None,
        tags: tuple[str, ...] = (),
        instead_of: str | None = None,
    ) -> str:
        """Starts or queues a run and returns its id.

        Arguments:
            config: What the run is; a large network is trained on CUDA where there is one.
            owner: Token of the browser that starts it: it alone may steer the run.
            copy_of: A run to go on from: the new one begins with its weights, optimiser and history, paused,
                and is what that run is, whatever ``config`` says.
            at_step: The kept step of that run to go on from: a fork; None: from where it stands.
            changes: What the copy has other than that run.
            tags: What the new run is tagged with; see :attr:`About.sweep`.
            instead_of: A run of the same browser, which is stopped as soon as the new one is accepted.

        Raises:
            BadInput: The queue is full, one step of the run needs too much memory, nothing of the run to copy
                is saved, that step is not kept or cannot be read, a change is out of range, or the run to
                stop belongs to another browser. Then nothing has changed.
        """
        digest = digest_of(owner)
        with self._lock:
            before = None if instead_of is None else self._own_job(instead_of, owner)
            self._require_room(digest, before)
        check_needs(config)
        self._make_room()
        if copy_of is not None:
            run_id = self._copy(copy_of, digest, at_step, changes or Changes())
            with self._lock:
                self._leave(before)
            return run_id
        config = on_suitable_device(config)
        run_id = self.store.create(config, owner=digest, about=About(tags=tags))
        self.catalog.changed()
        try:
            with self._lock:
                # Again: others may have come while the folder was made.
                self._require_room(digest, before)
                self._leave(before)
                job = self._jobs[run_id] = Job(run_id, config, no_progress(config), digest)
                self.workers.enter(job, needs_core=not config.hold)
        except BadInput:
            self.store.remove(run_id)
            raise
        return run_id

    def submit_together(
        self, configs: Sequence[RunConfig], *, owner: str, tags: tuple[str, ...] = ()
    ) -> list[str]:
        """Starts or queues runs that share one process and one place; returns their ids.

        One that is steered leaves the others and goes on in a process of its own.

        Arguments:
            configs: What the runs are: one of the groups of :meth:`in_groups`.
            owner: Token of the browser that starts them.
            tags: What each is tagged with.

        Raises:
            BadInput: As :meth:`submit`; then none has been started.
        """
        digest = digest_of(owner)
        with self._lock:
            self.scheduler.require_room(digest)
        for config in configs:
            check_needs(config)
        self._make_room()
        ids = [self.store.create(config, owner=digest, about=About(tags=tags)) for config in configs]
        self.catalog.changed()
        try:
            with self._lock:
                jobs = [
                    Job(run_id, config, no_progress(config), digest)
                    for run_id, config in zip(ids, configs, strict=True)
                ]
                self._jobs |= {job.run_id: job for job in jobs}
                self.workers.enter(*jobs, needs_core=True)
        except BadInput:
            for run_id in ids:
                self.store.remove(run_id)
            raise
        return ids

    def in_groups(self, configs: Sequence[RunConfig]) -> list[list[RunConfig]]:
        """Runs as they are best trained on this machine: a group for each core, or each run by itself.

        Small models of equal shapes are trained together in a fraction of the time that they take one after
        the other; see :mod:`vae_core.training.stacked`.

        Arguments:
            configs: What the runs are, in the order in which they shall begin.
        """
        size = self._group_size(configs)
        return [list(configs[start : start + size]) for start in range(0, len(configs), size)]

    def _group_size(self, configs: Sequence[RunConfig]) -> int:
        from vae_core.training.stacked import can_stack

        # Each training that draws its images anew has its own ones at each update.
        alone = any(config.device != "cpu" or config.binarised == "stochastic" for config in configs)
        gains = not alone and can_stack(
            [config.model for config in configs], [config.train for config in configs]
        )
        return math.ceil(len(configs) / self.scheduler.cores) if gains else 1

    def resume_together(self, run_ids: Sequence[str], *, owner: str) -> None:
        """Has runs go on from their last saves, those of a sweep together as they began.

        Arguments:
            run_ids: The runs.
            owner: Token of the browser that owns them.

        Raises:
            BadInput: (code ``owner``) One belongs to another browser; (code ``queue``) too many wait.
        """
        with self._lock:
            jobs = [job for run_id in run_ids if (job := self._own_job(run_id, owner)) is not None]
            sweeps: dict[str, list[Job]] = {}
            for job in jobs:
                sweep = self.store.about(job.run_id).sweep
                # One that has other settings by now, or a process, is told so by itself.
                if sweep is not None and job.rests and not job.pending and job.progress["speed"] is None:
                    sweeps.setdefault(sweep, []).append(job)
            groups: list[list[Job]] = []
            for one in sweeps.values():
                size = self._group_size([job.config for job in one])
                groups += [one[start : start + size] for start in range(0, len(one), size)]
            together = [group for group in groups if len(group) > 1]
            for group in together:
                for job in group:
                    job.order, job.seen = {"command": "resume"}, time.monotonic()
                self.workers.enter(*group, needs_core=True)
            entered = {job.run_id for group in together for job in group}
            self._lock.notify_all()
        for job in jobs:
            if job.run_id not in entered:
                self.send(job.run_id, "resume", owner=owner)

    def _require_room(self, owner: str, before: Job | None) -> None:
        self.scheduler.require_room(owner, instead_of=None if before is None else before.place)

    def _leave(self, job: Job | None) -> None:
        if job is not None and job.status in ACTIVE:
            self.workers.stop(job)

    def view(self, run_id: str) -> JobView | None:
        """How the run stands; None when there is no such run."""
        with self._lock:
            job = self._job(run_id)
            if job is None:
                return None
            job.seen = time.monotonic()
            position = self.scheduler.position(job.place)
            wanted_by = self.scheduler.wanted_by(job.place)
            return job.view(queue_position=position, wanted_by=wanted_by)

    def status(self, run_id: str) -> str | None:
        """The status of :meth:`view`, ``running`` also between two turns; None when there is no such run.

        Asking for it does not count as looking at the run.
        """
        with self._lock:
            job = self._job(run_id)
            if job is None:
                return None
            return "running" if is_under_way(job.status, job.progress["step"]) else job.status

    def interrupted(self, owner: str) -> list[JobView]:
        """The runs of the browser with this token that the server's end interrupted, or others who waited."""
        digest = digest_of(owner)
        mine = [entry for entry in self.catalog.entries() if entry.owner == digest]
        found = [entry.run_id for entry in reversed(mine) if entry.status in _UNENDED]
        with self._lock:
            found += [job.run_id for job in self._jobs.values() if job.owner == digest]
            jobs = [job for run_id in dict.fromkeys(found) if (job := self._job(run_id)) is not None]
            return [job.view() for job in jobs if job.status == "interrupted"]

    def wait(self, run_id: str, seconds: float, *, beyond: int | None = None) -> None:
        """Returns when the run reports anything new, at the latest after ``seconds``.

        Arguments:
            run_id: The run.
            seconds: How long to wait at most.
            beyond: ``news`` of a view: returns at once when there is something newer; None: than now.
        """
        with self._lock:
            job = self._job(run_id)
            if job is not None:
                known = job.news if beyond is None else beyond
                self._lock.wait_for(lambda: job.news > known, seconds)

    def send(self, run_id: str, command: str, *, owner: str, **values: object) -> None:
        """Sends a command of :mod:`vae_core.runs.worker`; one that makes no sense now does nothing.

        Arguments:
            run_id: The run.
            command: Its name.
            owner: Token of the browser that sends it.
            values: What goes with the command.

        Raises:
            BadInput: (code ``owner``) The run belongs to another browser; (code ``queue``) too many wait.
        """
        with self._lock:
            job = self._own_job(run_id, owner)
            if job is None:
                return
            job.seen = time.monotonic()
            match command:
                case "stop":
                    self.workers.stop(job)
                case "pause":
                    self.workers.pause(job)
                case "resume" if job.status in RESUMABLE:
                    self.workers.go_on(job, {"command": "resume"}, needs_core=True)
                case "step" if values.get("unit") in _STEPS and job.status != "failed":
                    self.workers.go_on(
                        job, {"command": "step", **values}, needs_core=values["unit"] == "epoch"
                    )
                case "set" if job.status != "failed":
                    if job.shares_process:
                        job.order = {"command": "resume"}
                        self.workers.take_out(job, needs_core=True)
                    job.tell({"command": "set", **values})
                    if job.process is None:
                        job.note({})  # pages show it at once
                case _:
                    if job.process is not None:
                        job.process.send({"command": command, **values})
            self._lock.notify_all()

    def describe(self, run_id: str, *, owner: str, **changes: object) -> None:
        """Gives a run another ``name``, ``note`` or ``tags``.

        Raises:
            BadInput: (code ``owner``) The run belongs to another browser.
        """
        with self._lock:
            job = self._own_job(run_id, owner)
            if job is None:
                return
            about = self.store.about(run_id).renamed(**changes)
            self.store.write_about(run_id, about)
            job.title = about.name
            job.note({})
            self._lock.notify_all()
        self.catalog.changed()

    def delete(self, run_id: str, *, owner: str) -> None:
        """Takes a run away from everybody; :meth:`restore` brings it back within ``KEPT_DELETED_S``.

        One that is at work is stopped and saved first.

        Raises:
            BadInput: (code ``owner``) The run belongs to another browser.
        """
        with self._lock:
            job = self._own_job(run_id, owner)
            if job is None:
                return
            if job.place is not None:
                self.workers.stop(job)
                self._lock.wait_for(lambda: job.process is None and job.place is None, GRACE_S + 1.0)
            self.store.move_to(self.deleted, run_id)
            self._deleted_at[run_id] = time.monotonic()
            self._jobs.pop(run_id, None)
            job.note({})
            self._lock.notify_all()
        self.catalog.changed()
        self._forget_deleted()

    def restore(self, run_id: str, *, owner: str) -> None:
        """Takes :meth:`delete` back.

        Raises:
            BadInput: (code ``owner``) The run belongs to another browser. (code ``deleted``) It is gone for
                good.
        """
        with self._lock:
            if not is_owner(self.deleted.owner(run_id), owner):
                raise BadInput("owner", "This run belongs to another browser", "restore it there")
            if not self.deleted.move_to(self.store, run_id):
                raise BadInput("deleted", "This run was deleted for good", "upload its file if you have it")
        self.catalog.changed()

    def upload(self, content: bytes, *, owner: str, about: About | None = None) -> str:
        """Makes a run of a run file and returns its id: the same weights, training state and history.

        Arguments:
            content: The bytes of a ``.safetensors`` file that was downloaded here or on another server.
            owner: Token of the browser that uploads it: the run is its own.
            about: What is said of the run.

        Raises:
            BadInput: It is no run file, is damaged or of a newer format, or its data are not on this server.
        """
        self._make_room()
        run_id = copies.upload(self.store, content, owner=digest_of(owner), about=about)
        self.catalog.changed()
        return run_id

    def note_opened(self, run_id: str, *, owner: str) -> None:
        """Notes that a browser has a run of another one in view, so that its list has it."""
        with self._lock:
            job = self._job(run_id)
        if job is not None and not is_owner(job.owner, owner):
            self.opened.add(digest_of(owner), run_id)

    def drop_opened(self, run_id: str, *, owner: str) -> None:
        """Ends what :meth:`note_opened` began."""
        self.opened.drop(digest_of(owner), run_id)

    def is_own(self, run_id: str, *, owner: str) -> bool:
        """Whether the browser with this token owns the run, or nobody does."""
        return self.store.folder(run_id) is not None and is_owner(self.store.owner(run_id), owner)

    def runs_of(self, owner: str) -> list[Entry]:
        """The runs of the browser with this token and those that it has opened, the newest first."""
        digest = digest_of(owner)
        return self.catalog.of_browser(digest, self.opened.ids(digest))

    def deleted_of(self, owner: str) -> list[Entry]:
        """What the browser with this token deleted and may take back, the latest first."""
        digest = digest_of(owner)
        ids = [run_id for run_id in reversed(self.deleted.ids()) if self.deleted.owner(run_id) == digest]
        return [entry for run_id in ids if (entry := read_entry(self.deleted, run_id)) is not None]

    def save(self, run_id: str, *, timeout_s: float = 1.5, for_looking: bool = True) -> None:
        """Has the run write its file now, and returns when it did (or after ``timeout_s``).

        Nothing is written where nothing has changed, and for those who look at most once in
        ``LOOKS_APART_S``: whoever watches a run must not slow it down.
        """
        with self._lock:
            job = self._job(run_id)
            if job is None or job.process is None:
                return
            if job.save_due <= job.progress["saves"]:
                now = time.monotonic()
                is_too_soon = for_looking and now - job.saved_at < LOOKS_APART_S
                if is_too_soon or (job.status != "running" and job.saved_as == job.stands_at):
                    return
                job.saved_at, job.save_due = now, job.progress["saves"] + 1
                job.process.send({"command": "save"})
            due = job.save_due
            self._lock.wait_for(lambda: job.progress["saves"] >= due or job.process is None, timeout_s)

    def close(self) -> None:
        """Ends all workers; their runs save themselves and can be resumed."""
        self.workers.close(self._jobs.values())

    def _copy(self, source: str, owner: str, at_step: int | None, changes: Changes) -> str:
        if at_step is None:
            self.save(source, for_looking=False)
        with self._lock:
            original = self._job(source)
        if original is None:
            raise BadInput("copy", "the run to copy no longer exists", "start one of your own")
        # A run that trains has gone on since it was saved.
        saved_at = (original.saved_as or original.stands_at)[0]
        step = saved_at if at_step is None else at_step
        # Of which run and step it is a fork stands beside its name in any case.
        words = changes.in_words()
        note = f"{words} from step {step:,} on." if at_step is not None and words else ""
        about = About(parent=source, parent_step=step, note=note)
        run_id = self.store.create(original.config, owner=owner, copy_of=source, at_step=at_step, about=about)
        progress = {**original.progress, "saves": 0}
        if at_step is not None:
            progress = {**no_progress(original.config), "step": at_step}
        if at_step is not None or any(value is not None for value in changes):
            progress |= copies.change(self.store, run_id, changes)
        with self._lock:
            job = Job(run_id, original.config, progress, owner)
            name = f"Run {source[:4]}"
            job.set(
                "paused", f"A copy of {name}." if at_step is None else f"Forked from {name} at step {step:,}."
            )
            self._jobs[run_id] = job
            self.store.write_status(run_id, job.progress)
        self.catalog.changed()
        return run_id

    def _job(self, run_id: str) -> Job | None:
        if self.store.folder(run_id) is None:
            return None
        if run_id not in self._jobs:
            job = self._stored_job(run_id)
            if job is not None:
                self._jobs[run_id] = job
        return self._jobs.get(run_id)

    def _stored_job(self, run_id: str) -> Job | None:
        config = self.store.config(run_id)
        if config is None:
            return None
        progress = {**no_progress(config), **self.store.status(run_id)}
        title = self.store.about(run_id).name
        job = Job(run_id, config, progress, self.store.owner(run_id), title=title, seen=-math.inf)
        if job.status in ACTIVE:
            # No process of this server has it: the one that had it ended with an earlier server.
            step = job.progress["step"]
            job.set("interrupted", f"Interrupted at step {step:,}: the server stopped.")
        return job

    def _own_job(self, run_id: str, token: str) -> Job | None:
        """The run, for its owner alone; one that nobody owns becomes the browser's. None: there is none."""
        job = self._job(run_id)
        if job is None:
            return None
        if not is_owner(job.owner, token):
            raise BadInput("owner", "This run belongs to another browser", "take a copy to go on from it")
        if job.owner is None:
            owner = digest_of(token)
            self.store.claim(run_id, owner)
            job.owner = owner
        return job

    def _make_room(self) -> None:
        """Removes runs beyond the limits: those that were deleted, those without an owner, the oldest."""
        surplus = self.catalog.surplus(self._is_shown)
        if surplus:
            for run_id in self.deleted.ids():
                self.deleted.remove(run_id)
            self._deleted_at.clear()
        for run_id in surplus:
            self.store.remove(run_id)
            with self._lock:
                self._jobs.pop(run_id, None)
        if surplus:
            self.catalog.changed()

    def _forget_deleted(self) -> None:
        """Removes for good what was deleted more than ``KEPT_DELETED_S`` ago."""
        now, wall = time.monotonic(), time.time()
        for run_id, when in self.deleted.times().items():
            # What this server saw deleted is as old as its own clock says, whatever that on the wall does.
            age = now - self._deleted_at[run_id] if run_id in self._deleted_at else wall - when / 1e9
            if age > KEPT_DELETED_S:
                self.deleted.remove(run_id)
                self._deleted_at.pop(run_id, None)

    def _is_shown(self, run_id: str) -> bool:
        with self._lock:
            job = self._jobs.get(run_id)
            return job is not None and (job.place is not None or job.unseen_s() < SHOWN_S)


def _look_through(of: LocalRunner) -> None:
    """Reads the folders of runs before anybody asks: without an index, ten thousand take seconds."""
    of.catalog.entries()
    of.store.remove_leftovers()
    stores = of.store, of.deleted
    of.opened.clean(lambda run_id: any(store.folder(run_id) is not None for store in stores))


_runner: LocalRunner | None = None
_runner_lock = threading.Lock()


def runner() -> LocalRunner:
    """The runner of this server."""
    global _runner
    with _runner_lock:
        if _runner is None:
            _runner = LocalRunner(kept_folder(), scheduler=scheduler())
            threading.Thread(target=_look_through, args=(_runner,), name="folders", daemon=True).start()
        return _runner
