"""A site's broker as docs/operating.md describes it: TLS, one user a machine, an access list.

Certificates are made anew for each `Site`; nothing of them is kept.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path

import trustme

from tests.support.mosquitto import Mosquitto, MosquittoMissing


class Site(Mosquitto):
    """mosquitto with TLS on `port`.

    Args:
        folder: of its files.
        users: name → password. A machine's user is its name in the topics.
        host: name the broker's certificate is made out to.
    """

    def __init__(
        self, folder: Path, users: dict[str, str] | None = None, host: str = "localhost"
    ) -> None:
        super().__init__(folder)
        self.ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))
        issued = self.ca.issue_cert(host)
        issued.private_key_pem.write_to_path(str(folder / "key.pem"))
        for number, part in enumerate(issued.cert_chain_pems):
            part.write_to_path(str(folder / "cert.pem"), append=number > 0)
        (folder / "mosquitto.conf").write_text("\n".join([
            f"user {getpass.getuser()}",  # started as root it would become another user
            f"listener {self.port} 127.0.0.1",
            f"certfile {folder}/cert.pem",
            f"keyfile {folder}/key.pem",
            *self._access(folder, users),
            "",
        ]))

    def _access(self, folder: Path, users: dict[str, str] | None) -> list[str]:
        if users is None:
            return ["allow_anonymous true"]
        (folder / "acl").write_text(
            "pattern write coffee/v1/%u/#\n"
            "pattern read coffee/v1/%u/cmd/#\npattern read coffee/v1/%u/ack\n"
            "user watcher\ntopic readwrite coffee/#\n"
        )
        program = shutil.which("mosquitto_passwd")
        if not program:
            raise MosquittoMissing("no mosquitto_passwd: apt install mosquitto")
        (folder / "passwords").touch()
        for name, password in users.items():
            subprocess.run(
                [program, "-b", str(folder / "passwords"), name, password],
                check=True, capture_output=True,
            )
        return [
            "allow_anonymous false", f"password_file {folder}/passwords", f"acl_file {folder}/acl",
        ]
