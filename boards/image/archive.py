"""Fetches packages from the Debian archive this machine already uses, into a folder, with apt in a
state of its own: nothing is installed, no root is needed, other suites do not reach the system.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from boards.image.pins import SUITES, Pin

RELEASES = {"stable", "testing", "unstable", "bullseye", "bookworm", "trixie", "forky", "sid"}
SOURCES_LISTS = Path("/etc/apt")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class ArchiveError(RuntimeError):
    """The archive cannot give what an image needs; the text says what to do."""


def mirror() -> str:
    """Address of the Debian mirror in this machine's own apt sources, or COFFEE_DEBIAN_MIRROR.

    Raises:
        ArchiveError: this is no Debian, or it names no mirror.
    """
    if given := os.environ.get("COFFEE_DEBIAN_MIRROR"):
        return given
    if shutil.which("apt-get") is None or not KEYRING.exists():
        raise ArchiveError(
            "images are built from Debian's packages, which needs Debian (apt-get and its archive "
            "keyring). On another system, build from your own MicroPython checkout: "
            "python -m boards.image MODEL --micropython FOLDER")
    files = sorted((SOURCES_LISTS / "sources.list.d").glob("*.sources"))
    files += [SOURCES_LISTS / "sources.list", *(SOURCES_LISTS / "sources.list.d").glob("*.list")]
    for file in files:
        if file.exists() and (found := _mirror_in(file.read_text())):
            return found
    raise ArchiveError("no Debian mirror in /etc/apt; set COFFEE_DEBIAN_MIRROR to one")


def _mirror_in(text: str) -> str | None:
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(\w[\w-]*): *(.+)$", paragraph, re.M))
        if RELEASES & set(fields.get("Suites", "").split()):
            return str(fields["URIs"].split()[0])
    for line in re.findall(r"^deb +(?:\[.*?\] +)?(\S+) +(\S+)", text, re.M):
        if line[1] in RELEASES:
            return str(line[0])
    return None


class Archive:
    """apt with a private state below a folder.

    Attributes:
        notes: what is not as pinned, for people.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.notes: list[str] = []
        for part in ("lists/partial", "cache/archives/partial", "packages"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        self._packages = self._folder / "packages"
        self._list = self._folder / "sources.sources"
        self._said = ""
        self._fresh = False

    def fetch(self, pins: Iterable[Pin]) -> dict[Pin, Path]:
        """The file of each pin: upstream tarball or .deb. What is there already is not fetched.

        Raises:
            ArchiveError: one cannot be had.
        """
        wanted = tuple(pins)
        missing = [pin for pin in wanted if not self._file(pin)]
        if missing:
            self._update()
        for kind in ("binary", "source"):
            if some := [pin for pin in missing if pin.kind == kind]:
                self._get(kind, [f"{pin.name}={pin.version}" for pin in some])
        for pin in missing:
            if not self._file(pin):
                self._newest(pin)
        return {pin: self._checked(pin) for pin in wanted}

    def _newest(self, pin: Pin) -> None:
        self._get(pin.kind, [f"{pin.name}/{pin.suite}"])
        self.notes.append(
            f"{pin.name}: the archive no longer has {pin.version}; using what {pin.suite} has")

    def _get(self, kind: str, wishes: list[str]) -> None:
        # one that fails leaves the others: what is there afterwards counts
        verb = ["--download-only", "source"] if kind == "source" else ["download"]
        if not self._apt([*verb, *wishes], self._packages) and len(wishes) > 1:
            for wish in wishes:
                self._apt([*verb, wish], self._packages)

    def _file(self, pin: Pin) -> Path | None:
        ending = ".orig.tar.?z*" if pin.kind == "source" else ".deb"
        found = [f for f in sorted(self._packages.glob(f"{pin.name}_*{ending}"))
                 if f.suffix != ".asc"]
        exact = pin.version.replace(":", "%3a").split("-")[0]
        found.sort(key=lambda f: exact in f.name)  # the pinned one, where both are there
        return found[-1] if found else None

    def _checked(self, pin: Pin) -> Path:
        if not (found := self._file(pin)):
            raise ArchiveError(f"{pin.name} {pin.version} ({pin.suite}) cannot be fetched; is "
                               f"the network up? {self._said.strip()[-300:]}")
        return found

    def _update(self) -> None:
        if self._fresh:
            return
        self._list.write_text("\n".join(
            f"Types: {types}\nURIs: {mirror()}\nSuites: {suite}\n"
            f"Components: main\nSigned-By: {KEYRING}\n" for suite, types in SUITES.items()))
        if not self._apt(["update"], self._folder):
            raise ArchiveError("the Debian archive does not answer; is the network up? "
                               f"{self._said.strip()[-300:]}")
        self._fresh = True

    def _apt(self, words: list[str], where: Path) -> bool:
        settings = {
            "Dir::Etc::sourcelist": self._list, "Dir::Etc::sourceparts": "-",
            "Dir::State": self._folder, "Dir::State::lists": self._folder / "lists",
            "Dir::State::status": "/dev/null", "Dir::Cache": self._folder / "cache",
            "APT::Sandbox::User": "root", "APT::Get::List-Cleanup": "0",
        }
        options = [f"-o{key}={value}" for key, value in settings.items()]
        run = subprocess.run(["apt-get", "-qq", *options, *words], cwd=where, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self._said = run.stdout
        return run.returncode == 0

