"""Reading gettext's `.po` files; the only user of Babel."""

from pathlib import Path

from babel.messages.pofile import read_po


def read_messages(path: Path) -> dict[str, str]:
    """Return the translations in the file at *path*, by msgid (the English text).

    Fuzzy and empty ones are left out, as msgfmt leaves them out. Raises
    `babel.messages.pofile.PoFileError` for a line that is not gettext's, `OSError` for no file.
    """
    with path.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.id
        and message.string
        and not message.fuzzy
    }
