"""The processes of trainings: from the wish for a core to the last word of a worker.

The :class:`~dashboard.runs.scheduler.Scheduler` says when a run works, waits and ends; what a worker says is
noted in its :class:`~dashboard.runs.job.Job`. Where processes are no copies, one idle worker is ready for the
next run.
"""

import contextlib
import threading
import time
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

from dashboard.runs.job import ACTIVE, LEAVE, Command, Job
from dashboard.runs.needs import WORKER_BYTES, needed_memory
from dashboard.runs.scheduler import FORGOTTEN_S, UNWATCHED_S, Place, Scheduler
from dashboard.runs.store import RunStore
from dashboard.runs.worker_process import GRACE_S, Member, WorkerProcess, fork_server
from vae_core.errors import BadInput

LESS_MEMORY: Final = (
    "If the machine was out of memory: a smaller batch, fewer samples or narrower layers need less."
)
_LENT: Final = "Its core computes something else for you just now; then it goes on by itself."
_WHY_ENDED: Final = {
    "unwatched": f"nobody had looked at it for {UNWATCHED_S:.0f} seconds and another run waited",
    "forgotten": f"nobody had looked at it for {FORGOTTEN_S / 3600:.0f} hours",
}


class Workers:
    """Starts, tells and ends the workers of runs, and notes what they say.

    A run that is held, or stepped, has a process that rests: each single step takes its moment of the core
    that is left free, an epoch waits for a core as a training does. When a worker dies only its run is hurt:
    it can be resumed from its last save. Callers hold the scheduler's lock, but for :meth:`warm` and
    :meth:`close`.

    Arguments:
        store: Where the run folders are.
        scheduler: Says which of the runs have a core.
    """

    def __init__(self, store: RunStore, scheduler: Scheduler) -> None:
        self._store = store
        self._scheduler = scheduler
        self._lock = scheduler.lock
        self._warm: WorkerProcess | None = None
        self._warming = False
        self._closed = False

    def warm(self) -> None:
        """Makes the next Start fast: has the process load of which trainings are copies.

        Where there are no copies it starts the idle worker, unless one waits already.
        """
        if fork_server().is_possible:
            with contextlib.suppress(OSError):
                fork_server().load()
            return
        with self._lock:
            if self._closed or self._warming or (self._warm is not None and self._warm.is_alive):
                return
            self._warming = True
        process = None
        with contextlib.suppress(OSError):
            process = WorkerProcess()
        with self._lock:
            self._warm, self._warming = process, False
            self._lock.notify_all()

    def enter(self, *jobs: Job, needs_core: bool) -> None:
        """Has a new process of the run, or of several together, wait for its turn."""
        place = Place(
            owner=jobs[0].owner or "",
            memory=WORKER_BYTES + sum(needed_memory(job.config) for job in jobs),
            needs_core=needs_core,
            is_sweep=self._store.about(jobs[0].run_id).sweep is not None,
            begin=lambda: self._begin(place, jobs),
            end=lambda: self._end(place, jobs),
            pause=lambda why: self._hand_over(place, jobs, why),
            unseen_s=lambda: min(job.unseen_s() for job in jobs),
            is_endless=lambda: all(job.progress["num_epochs"] is None for job in jobs),
        )
        self._scheduler.require_room(place.owner)
        for job in jobs:
            job.set("queued")
            job.place, job.stopping, job.is_lent, job.wants_process = place, False, False, None
            job.together, job.leaving = jobs, False
        self._scheduler.enter(place)

    def take_out(self, job: Job, *, needs_core: bool | None) -> None:
        """Has a run leave those that it shares a process with; None: it is saved and does not go on."""
        place = job.place
        assert place is not None
        if place.has_process:
            job.leaving, job.wants_process = True, needs_core
            if job.process is not None:
                job.process.send(LEAVE)
            return
        self._free(job, place)
        job.set("paused")
        if needs_core is not None:
            self._enter_with(job, job.order, needs_core=needs_core)

    def go_on(self, job: Job, command: Command, *, needs_core: bool) -> None:
        """Resumes a run, or steps it; where it has no process, or will have none in a moment, it gets one."""
        place = job.place
        if needs_core or place is None:
            job.order = command
        if place is None:
            self._enter_with(job, command, needs_core=needs_core)
        elif place.ending or job.stopping or job.leaving:
            job.wants_process, job.order = needs_core, command
        elif job.shares_process:
            job.order = command
            self.take_out(job, needs_core=needs_core)
        elif place.state == "resting" and needs_core:
            job.set("queued")
            self._scheduler.wake(place)
        elif place.state == "waiting" and not needs_core:
            # As a run that works pauses for a step, so does one that waits for its turn.
            self.pause(job)
            if job.place is None:
                self._enter_with(job, command, needs_core=False)
            else:
                job.tell(command)
        elif place.state != "waiting" and command["command"] == "step":
            job.tell(command)

    def _enter_with(self, job: Job, command: Command, *, needs_core: bool) -> None:
        before = list(job.pending)
        job.tell(command)
        try:
            self.enter(job, needs_core=needs_core)
        except BadInput:
            job.pending = before
            raise

    def pause(self, job: Job) -> None:
        job.is_awaited, job.wants_process = False, None
        place = job.place
        if place is None or place.state == "resting":
            return
        if job.shares_process:
            self.take_out(job, needs_core=None)
        elif place.state == "working":
            job.tell({"command": "pause"})
        elif place.has_process:
            job.set("paused")
            self._scheduler.rest(place)
        else:
            self._free(job, place)
            job.set("paused")

    def stop(self, job: Job) -> None:
        place = job.place
        if place is None or not place.has_process:
            if place is not None:
                self._free(job, place)
            if job.status in ACTIVE:
                begun = job.progress["step"] > 0
                where = f"at step {job.progress['step']:,}" if begun else "before it began"
                job.pending = [command for command in job.pending if command["command"] == "set"]
                job.set_stopped(f"Stopped {where}.")
                self._store.write_status(job.run_id, job.progress)
            return
        job.stopping, job.wants_process = True, None
        job.tell({"command": "stop"})
        self._kill_later(job, place)

    def close(self, jobs: Collection[Job]) -> None:
        """Ends all workers, those of these runs; they save themselves and can be resumed."""
        with self._lock:
            self._closed = True
            for job in jobs:
                if job.place is not None and job.place.state == "waiting" and job.process is None:
                    self._scheduler.leave(job.place)
                    job.place = None
            # What is being started is nobody's yet, and would be left behind.
            self._lock.wait_for(lambda: not self._is_starting(jobs), GRACE_S)
            processes = [job.process for job in jobs if job.process is not None]
            warm, self._warm = ([] if self._warm is None else [self._warm]), None
            for process in processes + warm:
                process.end_input()
        for process in processes + warm:
            process.wait()
        for process in warm:
            list(process.events())

    def _is_starting(self, jobs: Collection[Job]) -> bool:
        places = ((job.place, job.process) for job in jobs)
        return self._warming or any(
            place is not None and place.has_process and process is None for place, process in places
        )

    def _free(self, job: Job, place: Place) -> None:
        """Takes a run from its place, which ends with the last one in it."""
        if job.place is place:
            job.place = None
        if not any(other.place is place for other in job.together):
            self._scheduler.leave(place)

    def _begin(self, place: Place, jobs: tuple[Job, ...]) -> None:
        """Called by the scheduler: the runs have their core, or their place among those that rest."""
        here = [job for job in jobs if job.place is place]
        for job in here:
            job.is_awaited, job.heard = place.needs_core, time.monotonic()
            job.set("running" if place.needs_core else "paused")
        if not here:
            return
        if place.has_process:
            _tell(here, here[0].order if len(jobs) == 1 else {"command": "resume"})
            return
        for job in here:
            job.note({"saves": 0})
            job.save_due, job.saved_as = 0, None
        name = f"run {here[0].run_id}"
        threading.Thread(target=self._work, args=(here, place), name=name, daemon=True).start()

    def _end(self, place: Place, jobs: tuple[Job, ...]) -> None:
        """Called by the scheduler: others need the place; the runs save themselves and end."""
        for job in jobs:
            if job.place is place:
                if job.process is not None:
                    job.process.end_input()
                self._kill_later(job, place)

    def _hand_over(self, place: Place, jobs: tuple[Job, ...], why: Literal["turn", "lent"]) -> None:
        """Called by the scheduler: another works with this core for a while."""
        here = [job for job in jobs if job.place is place]
        for job in here:
            job.is_lent = True
            job.set("queued", _LENT if why == "lent" else "")
        if here:
            _tell(here, {"command": "pause"})

    def _kill_later(self, job: Job, place: Place) -> None:
        timer = threading.Timer(GRACE_S, self._kill, (job, place))
        timer.daemon = True
        timer.start()

    def _kill(self, job: Job, place: Place) -> None:
        with self._lock:
            if job.place is place and job.process is not None:
                job.process.kill()

    def _work(self, jobs: list[Job], place: Place) -> None:
        """The thread of a process: starts it for its runs, and listens to it until it ends."""
        folders = [str(self._store.folder(job.run_id)) for job in jobs]
        try:
            warm = self._take_warm()
            process = warm or WorkerProcess(*folders)
        except OSError as err:
            message = f"The training could not start ({err.strerror}): press Resume to try again."
            with self._lock:
                for job in jobs:
                    job.set("crashed", message)
                    self._over(job, place)
                self._lock.notify_all()
            return
        with self._lock:
            if warm is not None:
                process.send({"command": "run", "dirs": folders})
            for job in jobs:
                job.begin_in(process if len(jobs) == 1 else Member(process, job.run_id))
            if len(jobs[0].together) > 1:  # what was saved before waits for it
                process.send({"command": "resume"})
            if self._closed or place.ending:
                process.end_input()
            self._lock.notify_all()
        going = {job.run_id: job for job in jobs}
        for event in process.events():
            if event.get("event") not in ("progress", "end"):
                continue
            # Only now, when a run is under way: two workers that start at once start half as fast.
            self.warm()
            run_id = event.pop("run", jobs[0].run_id)
            job, ended = going.get(run_id), event["event"] == "end"
            if job is None:
                continue
            if ended:
                del going[run_id]
            with self._lock:
                self._note(job, place, event, ended=ended)
        code = process.wait()
        with self._lock:
            for job in going.values():
                self._crash(job, code)
                self._over(job, place)
            self._scheduler.advance()

    def _take_warm(self) -> WorkerProcess | None:
        """The process that waits for a run, if there is one."""
        with self._lock:
            warm, self._warm = self._warm, None
        return warm if warm is not None and warm.is_alive else None

    def _note(self, job: Job, place: Place, event: dict[str, Any], *, ended: bool) -> None:
        """Notes what a worker says."""
        job.heard = time.monotonic()
        if "saves" in event and event["saves"] != job.progress["saves"]:
            job.saved_as = tuple(event[name] for name in ("step", "beta", "learning_rate"))
        # Who waits for a core is queued, whatever its process does meanwhile. And a worker says how it ends
        # before it saves: only after its last word may another go on from there.
        believed = ended or (place.state != "waiting" and event["status"] in ACTIVE)
        # A status and its sentence belong together: "Paused. Stopped at step 0." would be none of both.
        stands = {} if believed else {name: job.progress[name] for name in ("status", "message")}
        job.note({**event, **stands})
        if ended:
            self._note_end(job, place)
        elif event["status"] == "running" or event.get("steps_left", 0):
            job.is_awaited = job.is_awaited and job.is_lent
            self._scheduler.work(place)
        elif event["status"] == "paused":
            job.is_lent = False
            if place.state == "working" and not job.is_awaited:
                self._scheduler.rest(place)
        self._scheduler.advance()

    def _note_end(self, job: Job, place: Place) -> None:
        step = job.progress["step"]
        if job.stopping and job.status in ("stopped", "interrupted"):
            # Interrupted: it was ending already when its owner stopped it.
            job.set_stopped(f"Stopped at step {step:,}.")
            self._store.write_status(job.run_id, job.progress)
        elif job.status == "interrupted" and job.leaving:
            if job.wants_process is None:
                job.set("paused", "It is saved, and goes on in a process of its own.")
        elif job.status == "interrupted" and place.state == "waiting":
            # It made room for another, or waited too long: it goes on waiting without a process.
            job.wants_process = True
        elif job.status == "interrupted" and place.ending and place.state == "resting":
            job.set("paused", "It is saved; its process has ended to make room for others.")
        elif job.status == "interrupted" and place.ending in _WHY_ENDED:
            job.set("interrupted", f"Saved at step {step:,} and ended: {_WHY_ENDED[place.ending]}.")
        self._over(job, place)

    def _over(self, job: Job, place: Place) -> None:
        """The process has ended, or is about to: frees its place, and begins anew where that is wanted."""
        job.process = None
        self._free(job, place)
        wanted, job.wants_process, job.stopping, job.leaving = job.wants_process, None, False, False
        if wanted is not None and not self._closed:
            try:
                self._enter_with(job, job.order, needs_core=wanted)
            except BadInput as err:
                job.set("interrupted", str(err))

    def _crash(self, job: Job, code: int) -> None:
        """The worker is gone without a last word; ``code`` is its exit code, -n for signal n."""
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        # So ends whom the system kills because it has no memory left.
        hint = f" {LESS_MEMORY}" if code == -9 else ""
        if job.stopping:
            job.set_stopped("Stopped without an answer from the training: its last save is kept.")
            self._store.write_status(job.run_id, job.progress)
        else:
            message = f"The training process ended unexpectedly ({how}): Resume goes on from the last save."
            job.set("crashed", message + hint)


def _tell(jobs: Sequence[Job], command: Command) -> None:
    """Tells the runs of one process, all of them at once where they are several."""
    first = jobs[0]
    first.tell(command if len(first.together) == 1 else {**command, "all": True})
