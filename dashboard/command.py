"""The command of an installed dashboard: ``vae-dashboard``, with any option of ``streamlit run``.

``vae-dashboard --class`` opens it to a class; in a clone, ``python -m dashboard.command --class``.
"""

import argparse
import io
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

FIRST_PORT: Final = 8501
PORTS: Final = 20
# Nothing is sent there: the system says which of its addresses it would send from. One target is in the
# internet, and one in each private range, for a class whose network leads nowhere.
_TARGETS: Final = ("198.51.100.1", "10.255.255.254", "172.31.255.254", "192.168.255.254")


def main() -> None:
    """Starts the app: ``vae-dashboard --server.port 8600`` is ``streamlit run dashboard/app.py ...``."""
    from streamlit.web import cli

    is_class, options = _read(sys.argv[1:])
    script = "class_server.py" if is_class else "app.py"
    cli.main(["run", str(Path(__file__).with_name(script)), *(_class(options) if is_class else options)])


def _read(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    parser = argparse.ArgumentParser(prog="vae-dashboard", add_help=False, allow_abbrev=False)
    parser.add_argument("--class", dest="is_class", action="store_true")
    known, options = parser.parse_known_args(arguments)
    return known.is_class, options


def _class(options: Sequence[str]) -> list[str]:
    """Prepares a server for a class, says on the terminal how to come in, and gives Streamlit's options."""
    from dashboard.shell import classroom

    code = os.environ.setdefault(classroom.CODE_VARIABLE, classroom.make_code())
    secret = os.environ.setdefault(classroom.SECRET_VARIABLE, classroom.make_secret())
    addresses, name = lan_addresses(), socket.gethostname()
    own = class_options(options, addresses=addresses, name=name, port=free_port())
    port = last_value(own, "--server.port")
    public = last_value(own, "--browser.serverAddress")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without blocks shows no QR code; the rest it can say.
        sys.stdout.reconfigure(errors="replace")
    scheme = "https" if values(own, "--server.sslCertFile") else "http"
    public, local = (f"{scheme}://{host}:{port}" for host in (public, "localhost"))
    sys.stdout.write(invitation(public, local, code, secret))
    sys.stdout.flush()
    return own


def class_options(options: Sequence[str], *, addresses: Sequence[str], name: str, port: int) -> list[str]:
    """Streamlit's options for a class.

    Arguments:
        options: What the user typed; it counts more, and names to allow are added to those found here.
        addresses: Of this machine in its networks, the best first.
        name: Of this machine.
        port: A free one.
    """
    named = values(options, "--server.allowedHosts")
    public = [*named, *addresses, "localhost"][0]
    hosts = dict.fromkeys(("localhost", "127.0.0.1", *host_names(name), *addresses, *named))
    ours = ["--server.address", "0.0.0.0", "--server.port", str(port), "--browser.serverAddress", public]
    # Its own words name one address only, and look for this machine's address in the internet.
    ours += ["--server.headless", "true", "--logger.hideWelcomeMessage", "true"]
    for host in hosts:
        ours += ["--server.allowedHosts", host]
    return [*ours, *_without(options, "--server.allowedHosts")]


def host_names(name: str) -> list[str]:
    """The names by which the neighbours may know a machine: its own, and that of multicast DNS."""
    short = name.partition(".")[0]
    return list(dict.fromkeys((name.lower(), short.lower(), f"{short.lower()}.local")))


def lan_addresses() -> list[str]:
    """IPv4 addresses of this machine that its neighbours can reach, the one of the default route first."""
    found: list[str] = []
    for target in _TARGETS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
                found.append(probe.getsockname()[0])
            except OSError:
                continue
    return [address for address in dict.fromkeys(found) if not address.startswith(("127.", "0."))]


def free_port() -> int:
    """The first port from Streamlit's own on that is free: address and QR code name it beforehand."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    return FIRST_PORT


def invitation(public: str, local: str, code: str, secret: str) -> str:
    """What the terminal shows: the address and its QR code for the class, the code, the lecturer's link."""
    import segno

    link, picture = f"{public}/?code={code}", io.StringIO()
    segno.make(link, error="m").terminal(picture, compact=True, border=2)
    return (
        f"\n{picture.getvalue()}\n"
        f"  For the class:      {public}\n"
        f"  Class code:         {code}   (the QR code holds it)\n"
        f"  For you, lecturer:  {local}/?lecturer={secret}\n"
        f"    elsewhere:        {public}/?lecturer={secret}\n"
        "                      Open it once, and show it to nobody. Ctrl+C ends the class.\n\n"
    )


def values(options: Sequence[str], name: str) -> list[str]:
    """All values of an option, given as ``--name value`` or ``--name=value``."""
    found = []
    for at, option in enumerate(options):
        if option == name and at + 1 < len(options):
            found.append(options[at + 1])
        elif option.startswith(f"{name}="):
            found.append(option.partition("=")[2])
    return found


def last_value(options: Sequence[str], name: str) -> str:
    """The value that counts: the last one."""
    return values(options, name)[-1]


def _without(options: Sequence[str], name: str) -> Iterable[str]:
    left = iter(options)
    for option in left:
        if option == name:
            next(left, None)
        elif not option.startswith(f"{name}="):
            yield option


if __name__ == "__main__":
    main()
