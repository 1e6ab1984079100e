"""A class: who may come in, and who is the lecturer.

A server that listens beyond its own machine asks every browser once for the class code, and computes and
draws nothing of the app before. Whoever opens the lecturer's link, which the server prints at its start, is
the lecturer on that browser, and comes first in the queue. Both hold until the server ends. A server that
only its own machine can reach, the default, asks for nothing.
"""

import hashlib
import ipaddress
import math
import os
import secrets
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import streamlit as st

from dashboard.runs.runner import runner
from dashboard.shell import browser, state
from vae_core.data.files import FOLDERS_VARIABLE

CODE_VARIABLE: Final = "VAE_DASHBOARD_CLASS"
"""The class code, in the environment of the server; it makes the server ask also where it need not."""
SECRET_VARIABLE: Final = "VAE_DASHBOARD_LECTURER"
"""The secret of the lecturer's link, in the environment of the server."""
LETTERS: Final = "CDFGHJKMNPQRTVWXY34679"
"""No pair that looks alike on a projector, and no vowels, so that no code is a word."""
LENGTH: Final = 6
"""22^6 = 1.1e8 codes: by :func:`tries_of_all` it takes two years to guess one with a chance of one half."""
MAX_KNOWN: Final = 10_000
_CODE, _SECRET = "code", "lecturer"
_FIELD, _TRIES, _INSIDE = "class_code", "class_tries", "class_inside"

Role = Literal["student", "lecturer"]


def make_code() -> str:
    """A new class code."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def make_secret() -> str:
    """A new secret for the lecturer's link: 128 random bits."""
    return secrets.token_urlsafe(16)


@dataclass(slots=True)
class Allowance:
    """Wrong tries that are left: ``most`` at once, then one more every ``seconds``.

    Arguments:
        most: Wrong tries without a wait.
        seconds: Until one more is allowed.
        left: How many are left, as of ``since``.
        since: By the monotonic clock.
    """

    most: int
    seconds: float
    left: float
    since: float

    @classmethod
    def full(cls, most: int, seconds: float) -> "Allowance":
        """One of which nothing is used yet."""
        return cls(most, seconds, float(most), time.monotonic())

    def wait_s(self, now: float) -> float:
        """Seconds until the next try; 0: at once."""
        self.left = min(float(self.most), self.left + (now - self.since) / self.seconds)
        self.since = now
        return max(0.0, (1.0 - self.left) * self.seconds)

    def use(self) -> None:
        """Takes one."""
        self.left -= 1.0


def tries_of_a_session() -> Allowance:
    """Five mistakes at once, then one in ten seconds."""
    return Allowance.full(5, 10.0)


def tries_of_all() -> Allowance:
    """A whole class that mistypes at once, then one mistake a second, in however many sessions."""
    return Allowance.full(60, 1.0)


@dataclass(slots=True)
class Door:
    """What one server knows of its class, in memory alone.

    Arguments:
        code: The class code.
        secret: Of the lecturer's link.
        tries: Wrong codes that all visitors together may still enter.
        known: Who came in, by SHA-256 of the browser's token; those that came in first are forgotten first.
    """

    code: str = field(repr=False)
    secret: str = field(repr=False)
    tries: Allowance = field(default_factory=tries_of_all)
    known: OrderedDict[str, Role] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def try_code(self, text: str, own: Allowance, *, now: float) -> float | None:
        """Compares what was typed with the code; case, spaces and hyphens do not count.

        Arguments:
            text: What was typed.
            own: Wrong codes that this visitor may still enter.
            now: By the monotonic clock.

        Returns:
            None where the code is right; 0 where it is wrong; else the seconds to wait before the next try:
            one that comes too early is not looked at, right or wrong.
        """
        with self.lock:
            wait = max(own.wait_s(now), self.tries.wait_s(now))
            if wait > 0:
                return wait
            if _same(_plain(text), _plain(self.code)):
                return None
            own.use()
            self.tries.use()
            return 0.0

    def let_in(self, token: str, role: Role) -> None:
        """Remembers a browser; a lecturer stays one."""
        name = _digest(token)
        with self.lock:
            self.known[name] = "lecturer" if self.known.get(name) == "lecturer" else role
            self.known.move_to_end(name)
            while len(self.known) > MAX_KNOWN:
                self.known.popitem(last=False)

    def role(self, token: str) -> Role | None:
        """What a browser may be here; None: it has not come in."""
        return self.known.get(_digest(token))


class Entry(NamedTuple):
    """How a session came in."""

    door: Door
    role: Role


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()


def _same(said: str, wanted: str) -> bool:
    return secrets.compare_digest(said.encode(errors="replace"), wanted.encode(errors="replace"))


_door: Door | None = None
_door_lock = threading.Lock()


def door() -> Door | None:
    """The door of this server; None where only its own machine can reach it."""
    global _door
    with _door_lock:
        if _door is None and is_class():
            given = os.environ.get(CODE_VARIABLE)
            _door = Door(given or make_code(), os.environ.get(SECRET_VARIABLE) or make_secret())
            # Before any worker starts: they look it up, too. Folders of the server are not for all to read.
            os.environ.setdefault(FOLDERS_VARIABLE, "")
            if not given:
                _say_on_the_terminal(_door)
        return _door


def is_class() -> bool:
    """Whether others than this machine may open the app, as far as the server's own settings say."""
    address = st.get_option("server.address")
    # Without an address there is no server: the settings beside the entry script name one.
    return bool(os.environ.get(CODE_VARIABLE)) or not (address is None or is_loopback(address))


def is_loopback(address: str) -> bool:
    """Whether a server at this address is for its own machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _say_on_the_terminal(made: Door) -> None:
    """Somebody opened the server by ``--server.address`` alone: says what a class needs."""
    hosts = ", ".join(st.get_option("server.allowedHosts")) or "any name"
    sys.stderr.write(
        f"\nThis server listens beyond its own machine. Class code: {made.code}\n"
        f"Lecturer: open /?{_SECRET}={made.secret}\n"
        f"Browsers may open it as: {hosts}. Under any other name they show an empty page:\n"
        "python -m dashboard.command --class finds the names of this machine by itself.\n\n"
    )


def code() -> str | None:
    """The class code, for the lecturer to show; None for everybody else, and outside a class."""
    found = door()
    return None if found is None or _role_here(found) != "lecturer" else found.code


def is_inside() -> bool:
    """Whether this browser may see the app; takes code and secret out of the URL, and keeps who brought them.

    Call it first of all, before anything is computed.
    """
    found = door()
    if found is None:
        return True
    code, secret = state.take_from_url(_CODE), state.take_from_url(_SECRET)
    if _same(secret or "", found.secret):
        _enter(found, "lecturer")
    role = _role_here(found)
    if role is None and code is not None:
        state.set_control(_FIELD, code)
        _try(found)
    elif role is not None and found.role(browser.token()) is None:
        # Another tab gave this browser its token meanwhile: that one is let in, too.
        _enter(found, role)
    return _role_here(found) is not None


def draw_door() -> None:
    """The field for the class code, in place of the app."""
    found = door()
    if found is None:
        return
    with st.container(horizontal_alignment="center"), st.container(width=420):
        st.title("VAE Dashboard", anchor=False)
        st.write("This dashboard is open to a class. Its code is on the lecturer's screen.")
        with st.form("class_door"):
            st.text_input(
                "Class code",
                key=_FIELD,
                max_chars=20,
                autocomplete="off",
                help="Six letters and digits, small or capital. This browser is asked once.",
            )
            st.form_submit_button(
                "Enter", key="class_enter", type="primary", width="stretch", on_click=_try, args=(found,)
            )
        notice = state.pop_notice()
        if notice:
            st.error(notice)


def _try(found: Door) -> None:
    own = state.control(_TRIES)
    if not isinstance(own, Allowance):
        own = tries_of_a_session()
        state.set_control(_TRIES, own)
    wait = found.try_code(str(state.control(_FIELD) or ""), own, now=time.monotonic())
    if wait is None:
        _enter(found, "student")
    elif wait > 0:
        state.say_next(f"Too many wrong codes: wait {math.ceil(wait)} s, then try again.")
    else:
        state.say_next("This is not the class code: look at the lecturer's screen and try again.")


def _enter(found: Door, role: Role) -> None:
    token = browser.token()
    state.set_control(_INSIDE, Entry(found, role))
    found.let_in(token, role)
    if role == "lecturer":
        runner().set_lecturer(token)


def _role_here(found: Door) -> Role | None:
    role = found.role(browser.token())
    if role is None:
        # The session keeps the door that it came through: one of an earlier server does not count.
        kept = state.control(_INSIDE)
        role = kept.role if isinstance(kept, Entry) and kept.door is found else None
    return role
