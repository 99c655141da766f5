"""Writes each addon's i18n/<addon>.pot from a real Odoo, and brings its .po files up to date.

python -m tests.erp.odoo19.i18n
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.erp.odoo19.install import ADDONS, BUILD, InstallError
from tests.erp.odoo19.server import OdooServer
from tests.erp.odoo19.template import SHOP, Cluster, cluster, run_odoo

MODULES: Final = ("connector_coffee", "connector_coffee_sale", "connector_coffee_stock")


def export(ready: Cluster) -> dict[str, str]:
    """The .pot of each addon, without dates."""
    with tempfile.TemporaryDirectory(prefix="coffee-odoo-") as folder:
        server = OdooServer(ready, "coffee_i18n", SHOP, folder=Path(folder) / "data")
        try:
            log = BUILD / "i18n.log"
            run_odoo(ready.odoo, ready.postgres, server.database, log, server.folder,
                     "-i", ",".join(MODULES))  # fmt: skip
            found: dict[str, str] = server.shell(f"""
                import io
                from odoo.tools.translate import trans_export
                found = {{}}
                for name in {MODULES!r}:
                    out = io.BytesIO()
                    trans_export(None, [name], out, "po", env)
                    lines = out.getvalue().decode().splitlines(keepends=True)
                    found[name] = "".join(l for l in lines if "-Date:" not in l)
                answer(found)
            """)
            return found
        finally:
            server.close()


def write(templates: dict[str, str]) -> None:
    """New terms come into the .po files without translation, gone ones leave."""
    import polib

    for name, text in templates.items():
        folder = ADDONS / name / "i18n"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.pot").write_text(text)
        template = polib.pofile(text)
        for path in folder.glob("*.po"):
            translated = polib.pofile(str(path))
            translated.merge(template)
            for entry in translated.obsolete_entries():
                translated.remove(entry)
            translated.save()


if __name__ == "__main__":
    try:
        with cluster() as ready:
            write(export(ready))
    except InstallError as error:
        sys.exit(str(error))
