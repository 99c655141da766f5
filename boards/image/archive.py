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
            "an image is built from Debian's packages: this needs a Debian (apt-get and its "
            "archive keyring). On another system build on ports/rp2 of your own MicroPython: "
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
        self._list = self._folder / "sources.sources"
        self._fresh = False

    def fetch(self, pins: Iterable[Pin]) -> dict[Pin, Path]:
        """The file of each pin: upstream tarball or .deb. What is there already is not fetched."""
        return {pin: self._fetch(pin) for pin in pins}

    def _fetch(self, pin: Pin) -> Path:
        into = self._folder / "packages" / f"{pin.name}_{pin.version.replace(':', '%3a')}"
        if not (found := _main_file(into, pin)):
            self._update()
            into.mkdir(exist_ok=True)
            for wish in (f"{pin.name}={pin.version}", f"{pin.name}/{pin.suite}"):
                if self._get(pin, wish, into):
                    break
                self.notes.append(
                    f"{pin.name}: the archive no longer has {pin.version}; taking {pin.suite}'s")
            found = _main_file(into, pin)
        if not found:
            raise ArchiveError(f"{pin.name} {pin.version} ({pin.suite}) cannot be fetched; is "
                               f"there a network? {self._said.strip()[-300:]}")
        return found

    def _get(self, pin: Pin, wish: str, into: Path) -> bool:
        verb = ["--download-only", "source"] if pin.kind == "source" else ["download"]
        return self._apt([*verb, wish], into)

    def _update(self) -> None:
        if self._fresh:
            return
        self._list.write_text(
            f"Types: deb deb-src\nURIs: {mirror()}\nSuites: {' '.join(SUITES)}\n"
            f"Components: main\nSigned-By: {KEYRING}\n")
        if not self._apt(["update"], self._folder):
            raise ArchiveError(f"the Debian archive does not answer: {self._said.strip()[-300:]}")
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


def _main_file(folder: Path, pin: Pin) -> Path | None:
    found = sorted(folder.glob("*.orig.tar.*" if pin.kind == "source" else "*.deb"))
    found = [f for f in found if f.suffix != ".asc"]
    return found[0] if found else None
