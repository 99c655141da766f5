"""Puts a real Odoo 19 into build/odoo19, from package registries only; no root needed.

Odoo comes as Debian's package from suite sid, unpacked and never installed; its Python packages
and the OCA modules come by pip, pinned in lock/ and in the addons' requirements.txt. A finished
step leaves a mark and is not done again, an interrupted one starts over. A user's own Odoo serves
as well: COFFEE_ODOO is its program, COFFEE_ODOO_PYTHON its interpreter, COFFEE_ODOO_ADDONS folders
with the OCA modules.

    python -m tests.erp.odoo19.install
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
HERE: Final = Path(__file__).parent
BUILD: Final = ROOT / "build" / "odoo19"
LOCK: Final = HERE / "lock"
ADDONS: Final = ROOT / "host_bridge" / "addons" / "odoo19"
REQUIREMENTS: Final = ADDONS / "requirements.txt"
"""The OCA modules: the tests take what a user is told to."""
SUITE: Final = "sid"
SERIES: Final = "19"
"""The suite has one version at a time, and no pin would find it again; see docs/decisions.md."""
# What no test opens: national charts of accounts, web shop, point of sale, and other languages.
LEFT_OUT: Final = ("*/addons/l10n_*", "*/addons/website*", "*/addons/pos_*", "*/addons/theme_*",
                   "*/addons/*.po", "*/addons/point_of_sale*")  # fmt: skip


class InstallError(RuntimeError):
    """Says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Odoo:
    """How to start it: `python program --addons-path=…` with PYTHONPATH."""

    python: Path
    program: Path
    pythonpath: tuple[Path, ...]
    addons: tuple[Path, ...]
    """Folders of addons, ours first."""

    def version(self) -> str:
        """As it calls itself, and Debian's own number where that is where it came from.

        Raises:
            InstallError: it does not run, or is not the Odoo these addons are for.
        """
        try:
            done = subprocess.run(
                [self.python, self.program, "--version"], capture_output=True, text=True,
                env=self.environment(), stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except OSError as error:
            raise InstallError(f"{self.python} does not run: {error.strerror}") from error
        found = re.search(r"Odoo Server (\S+)", done.stdout)
        if not found:
            raise InstallError(
                f"{self.python} {self.program} --version fails:"
                f" {(done.stderr or done.stdout).strip()[-500:]}"
            )
        if found[1].removeprefix("saas~").partition(".")[0] != SERIES:
            raise InstallError(
                f"{self.program} is Odoo {found[1]}, the addons are for Odoo {SERIES}; name one of"
                " those in COFFEE_ODOO (docs/odoo.md)"
            )
        packages = [] if not self.pythonpath else list((BUILD / "apt" / "debs").glob("odoo-*.deb"))
        return " ".join([found[1], *(f"(Debian {p.name.split('_')[1]})" for p in packages)])

    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        if not self.pythonpath:  # the user's own: its environment is the user's
            return clean
        clean = {k: v for k, v in clean.items() if not k.startswith("PYTHON")}
        return clean | {"PYTHONPATH": ":".join(map(str, self.pythonpath))}

    @property
    def key(self) -> str:
        """Changes when the Odoo or the OCA modules do."""
        return fingerprint([self.program, REQUIREMENTS, *sorted(LOCK.glob("*.txt"))])


def fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(ROOT) if ROOT in file.parents else file).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def find() -> Odoo:
    """The user's own Odoo, or ours (installed now if it is not there).

    Raises:
        InstallError: with the cure.
    """
    own = os.environ.get("COFFEE_ODOO")
    if own:
        return _named(Path(own))
    with exclusively("install"):
        _install()
    site = BUILD / "root" / "usr" / "lib" / "python3" / "dist-packages"
    return Odoo(
        python=BUILD / "venv" / "bin" / "python",
        program=BUILD / "root" / "usr" / "bin" / "odoo",
        pythonpath=(site, BUILD / "oca"),
        addons=(ADDONS, site / "odoo" / "addons", BUILD / "oca" / "odoo" / "addons"),
    )


def _named(program: Path) -> Odoo:
    if not program.is_file():
        raise InstallError(
            f"COFFEE_ODOO={program} is not a file; give the path of odoo or odoo-bin")
    python = Path(os.environ.get("COFFEE_ODOO_PYTHON") or sys.executable)
    more = [Path(p) for p in os.environ.get("COFFEE_ODOO_ADDONS", "").split(":") if p]
    for folder in more:
        if not folder.is_dir():
            raise InstallError(f"COFFEE_ODOO_ADDONS: {folder} is not a folder; correct it")
    return Odoo(python, program, (), (ADDONS, *more))


@contextmanager
def exclusively(name: str) -> Iterator[None]:
    """Two test processes never build the same thing at once."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- the steps
def _install() -> None:
    steps = (
        ("packages of suite " + SUITE, [LOCK / "debian.txt"], _download),
        ("unpacking", [LOCK / "debian.txt"], _unpack),
        ("Python packages (a minute)", [LOCK / "python.txt"], _pip_python),
        ("OCA modules", [REQUIREMENTS], _pip_oca),
    )
    for number, (title, pins, step) in enumerate(steps, 1):
        mark = BUILD / f".{step.__name__.strip('_')}-{fingerprint(pins)}"
        if mark.exists():
            continue
        print(f"[odoo {number}/{len(steps)}] {title}", flush=True)
        step()
        mark.touch()


def _run(*command: str | Path, cure: str, cwd: Path | None = None, **more: str) -> None:
    log_path = BUILD / "install.log"
    with log_path.open("ab") as log:
        log.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        log.flush()
        try:
            done = subprocess.run(
                [str(part) for part in command], stdout=log, stderr=log, cwd=cwd,
                stdin=subprocess.DEVNULL, env=os.environ | more, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise InstallError(f"{command[0]} is not installed; {cure}") from error
    if done.returncode:
        tail = "\n".join(log_path.read_text(errors="replace").splitlines()[-12:])
        raise InstallError(f"{tail}\n{command[0]} failed (full log: {log_path}); {cure}")


_OWN: Final = "or name an Odoo 19 of your own in COFFEE_ODOO (docs/odoo.md)"


def mirror() -> str:
    """This machine's own Debian mirror with its options, as a source line without suite.

    Raises:
        InstallError: no Debian source is configured.
    """
    etc = Path("/etc/apt")
    for file in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))):
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        text = file.read_text(errors="replace")
        for stanza in re.split(r"\n\s*\n", text) if file.suffix == ".sources" else []:
            fields = dict(re.findall(r"^(\S+):[ \t]*(.+)$", stanza, re.M))
            uri = fields.get("URIs", "").split(" ")[0].rstrip("/")
            if uri.endswith("/debian") and "deb" in fields.get("Types", "").split():
                key = fields.get("Signed-By", "").strip()
                return f"deb [signed-by={key}] {uri}" if key.startswith("/") else f"deb {uri}"
        for line in re.findall(r"^deb[ \t]+(.*)$", text, re.M):
            found = re.match(r"(\[[^]]*\]\s+)?(\S+/debian)/?\s", line)
            if found:
                return f"deb {found[1] or ''}{found[2]}"
    raise InstallError(f"no Debian mirror in /etc/apt; add one, {_OWN}")


def _download() -> None:
    state = BUILD / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial", "debs"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "sid.list").write_text(f"{mirror()} {SUITE} main\n")
    options = [
        "-q", "-o", f"Dir::State={state}/state", "-o", "Dir::State::status=/dev/null",
        "-o", f"Dir::Cache={state}/cache", "-o", f"Dir::Etc::sourcelist={state}/sid.list",
        "-o", "Dir::Etc::sourceparts=-", "-o", "Acquire::Languages=none",
        "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    cure = f"is the network up? Run it again to continue where it stopped, {_OWN}"
    _run("apt-get", *options, "update", cure=cure)
    names = (LOCK / "debian.txt").read_text().split()
    _run("apt-get", *options, "download", *names, cwd=state / "debs", cure=cure)


def _unpack() -> None:
    fresh, root = BUILD / "root.new", BUILD / "root"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    excludes = " ".join(f"--exclude='{pattern}'" for pattern in LEFT_OUT)
    for package in sorted((BUILD / "apt" / "debs").glob("*.deb")):
        print(f"  {package.name.split('_')[0]}", flush=True)
        command = f"dpkg-deb --fsys-tarfile '{package}' | tar -x --no-same-owner {excludes}"
        _run("bash", "-o", "pipefail", "-c", command, cwd=fresh,
             cure=f"is the disk full (1.2 GB are needed)? {_OWN}")  # fmt: skip
    shutil.rmtree(root, ignore_errors=True)
    fresh.rename(root)


def _pip_python() -> None:
    venv = BUILD / "venv"
    cure = f"is the network up? {_OWN}"
    _run(sys.executable, "-m", "venv", "--clear", "--without-pip", venv, cure=cure)
    # constraints of this machine's pip are for other programs; the lock is whole
    _run(sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--no-deps",
         "--only-binary", ":all:", "--no-binary", "ofxparse,docopt", "-r", LOCK / "python.txt",
         cure=cure, PIP_CONSTRAINT="")  # fmt: skip


def _pip_oca() -> None:
    target = BUILD / "oca"
    shutil.rmtree(target, ignore_errors=True)
    _run(sys.executable, "-m", "pip", "install", "--no-deps", "--target", target,
         "-r", REQUIREMENTS, cure=f"is the network up? {_OWN}")  # fmt: skip


if __name__ == "__main__":
    try:
        found = find()
    except InstallError as error:
        sys.exit(str(error))
    print(f"Odoo is ready: {found.python} {found.program}")
