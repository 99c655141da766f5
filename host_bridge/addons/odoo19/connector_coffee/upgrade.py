"""What the migrations of these addons share."""


def rename_cron(env, xml_id, name, old):
    """Data files do not touch a scheduled action once it is there, so its name is changed here,
    but not one that a person gave it. A language loses its old name and, at the end of the
    upgrade, gets the new one from the addon's translations.

    :param name: the new name in English
    :param old: the names that were ours, in any language
    """
    cron = env.ref(xml_id, raise_if_not_found=False)
    action = cron.ir_actions_server_id.with_context(lang=None) if cron else None
    if not action or action.name not in old:
        return
    action.name = name
    translations, _context = action.get_field_translations("name")
    action.update_field_translations(
        "name", {one["lang"]: False for one in translations if one["value"] in old}
    )
