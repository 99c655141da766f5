"""Translations: the template is what the code says, and French is whole."""

from __future__ import annotations

import re

import polib
import pytest

from tests.erp.odoo19 import i18n
from tests.erp.odoo19.install import ADDONS
from tests.erp.odoo19.server import OdooServer
from tests.erp.odoo19.template import Cluster


@pytest.mark.slow
def test_the_templates_are_what_the_code_says(odoo_cluster: Cluster) -> None:
    for name, text in i18n.export(odoo_cluster).items():
        held = polib.pofile(str(ADDONS / name / "i18n" / f"{name}.pot"))
        fresh = polib.pofile(text)
        changed = {entry.msgid for entry in fresh} ^ {entry.msgid for entry in held}
        assert not changed, "run: python -m tests.erp.odoo19.i18n, then translate"


@pytest.mark.parametrize("name", i18n.MODULES)
def test_french_is_whole(name: str) -> None:
    template = polib.pofile(str(ADDONS / name / "i18n" / f"{name}.pot"))
    french = polib.pofile(str(ADDONS / name / "i18n" / "fr.po"))
    assert {entry.msgid for entry in french} == {entry.msgid for entry in template}
    for entry in french:
        assert entry.msgstr and not entry.fuzzy, entry.msgid
        fill_ins = re.compile(r"%\(\w+\)\w|%s")
        assert sorted(fill_ins.findall(entry.msgid)) == sorted(fill_ins.findall(entry.msgstr))


def test_a_french_user_reads_french(odoo_server: OdooServer) -> None:
    found = odoo_server.shell("""
        env["base.language.install"].create(
            {"lang_ids": env["res.lang"].with_context(active_test=False).search(
                [("code", "=", "fr_FR")]).ids}).lang_install()
        french = env["coffee.backend"].with_context(lang="fr_FR")
        answer([french.fields_get(["state"])["state"]["selection"][2][1],
                env.ref("connector_coffee.menu_coffee_checkpoints").with_context(
                    lang="fr_FR").name])
    """)
    assert found == ["En service", "Points de contrôle"]
