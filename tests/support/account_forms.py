"""The forms in which tools and people write the JSON of a service account."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode


def base64_lines(text: str) -> str:
    """Return *text* in base64, in lines of 76 characters, as the command base64 writes it."""
    encoded = b64encode(text.encode()).decode()
    return "\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + "\n"


def base64_pieces(text: str, between: str) -> str:
    """Return *text* in base64, with *between* after every 60 characters."""
    encoded = b64encode(text.encode()).decode()
    return between.join(encoded[at : at + 60] for at in range(0, len(encoded), 60)) + between


def pieces(text: str) -> list[str]:
    """Return *text* in pieces of 60 characters, which end anywhere in its JSON."""
    return [text[at : at + 60] for at in range(0, len(text), 60)]


def csv_cell(text: str) -> str:
    """Return *text* as a cell of CSV."""
    return '"' + text.replace('"', '""') + '"'


def with_key(change: Callable[[str], str]) -> Callable[[str], str]:
    """Return what makes *change* to the private key in the JSON of a service account."""

    def make(text: str) -> str:
        account = json.loads(text)
        return json.dumps(account | {"private_key": change(account["private_key"])})

    return make


def escaped(text: str) -> str:
    """Return *text* with the escapes of JSON."""
    return json.dumps(text)[1:-1]


def indented(text: str) -> str:
    """Return the JSON *text* in lines."""
    return json.dumps(json.loads(text), indent=2)


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "with its last line break": lambda text: f"{text}\n",
    "indented": indented,
    "byte order mark": lambda text: "\ufeff" + text,
    "trailing text": lambda text: text + "\n# end of file",
    "trailing comma": lambda text: text + ",",
    # firebase/firebase-admin-node#385
    "literal line breaks": with_key(lambda key: key.replace("\n", "\\n")),
    "line breaks escaped three times": with_key(lambda key: key.replace("\n", "\\\\n")),
    "literal CR LF": with_key(lambda key: key.replace("\n", "\\r\\n")),
    "spaces for line breaks": with_key(lambda key: key.replace("\n", " ")),
    "no line breaks": with_key(lambda key: key.replace("\n", "")),
    "raw line breaks": lambda text: text.replace("\\n", "\n"),
    # coollabsio/coolify#6384
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64url": lambda text: urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of the indented": lambda text: b64encode(indented(text).encode()).decode(),
    "base64 in lines": base64_lines,
    "base64 with a byte order mark": lambda t: b64encode(b"\xef\xbb\xbf" + t.encode()).decode(),
    "base64 in quotes": lambda text: f'"{b64encode(text.encode()).decode()}"',
    "base64 of UTF-16": lambda text: b64encode(text.encode("utf-16-le")).decode(),
    "base64 of UTF-16 with a byte order mark": lambda t: b64encode(t.encode("utf-16")).decode(),
    "percent": lambda text: quote(text, safe=""),
    "percent, of base64 in quotes": lambda t: quote(f'"{b64encode(t.encode()).decode()}"', safe=""),
    "single quotes": lambda text: f"'{text}'",
    "double quotes": lambda text: f'"{text}"',
    "a JSON string": json.dumps,
    "escaped quotes": escaped,
    "escaped, indented": lambda text: escaped(indented(text)),
    "escaped line breaks": lambda text: indented(text).replace("\n", "\\n"),
    "a variable": lambda text: f"GOOGLE_APPLICATION_CREDENTIALS_JSON='{text}'",
    "a block in Markdown": lambda text: f"```json\n{indented(text)}\n```",
    "a block in Markdown, another": lambda text: f"~~~~\n{text}\n~~~~",
    "a block in Markdown, in one line": lambda text: f"```json {text}```",
    "a block in Markdown without an end": lambda text: f"```JSON\n{text}",
    "a block in Markdown in base64": lambda text: f"```\n{base64_lines(text)}```\n",
    "a data URL": lambda text: f"data:application/json;base64,{b64encode(text.encode()).decode()}",
    "a data URL with a charset": lambda text: (
        f"data:application/json;charset=utf-8;base64,{b64encode(text.encode()).decode()}"
    ),
    "a data URL, percent-encoded": lambda text: f"data:application/json,{quote(text)}",
    "a data URL in quotes": lambda t: f'"data:text/plain;base64,{b64encode(t.encode()).decode()}"',
    "a block in Markdown behind a sentence": lambda text: f"Here it is:\n```json\n{text}\n```",
    "a document of the shell": lambda text: f"cat > key.json <<'EOF'\n{text}\nEOF",
    "behind a comment": lambda text: f"// key of the app\n{text}",
    "a module of JavaScript": lambda text: f"export default {text};",
    "an argument": lambda text: f"jsonencode({text})",
    "HTML entities": lambda text: text.replace('"', "&quot;"),
    "typographic quotes": lambda text: text.replace('"', "\u201d"),
    "no-break spaces": lambda text: indented(text).replace("  ", "\xa0\xa0"),
    "a comma at the end of the object": lambda text: indented(text).replace("\n}", ",\n}"),
    "a block of YAML": lambda text: f"credentials: |\n  {text}\n",
    "a block of YAML, folded": lambda text: f"credentials: >-\n  {text}",
    "base64 with literal line breaks": lambda text: base64_pieces(text, "\\n"),
    "base64 with literal CR LF": lambda text: base64_pieces(text, "\\r\\n"),
    "base64 with blanks": lambda text: base64_pieces(text, " "),
    "base64 with no-break spaces": lambda text: base64_pieces(text, "\xa0"),
    "base64 with zero-width spaces": lambda text: base64_pieces(text, "\u200b"),
    "base64 in lines of a shell": lambda text: base64_pieces(text, "\\\n"),
    "base64 with its padding in percent": lambda t: quote(b64encode((t + " ").encode()).decode()),
    "base64 in YAML": lambda text: f"!!binary {b64encode(text.encode()).decode()}",
    "base64 with its name": lambda text: f"base64:{b64encode(text.encode()).decode()}",
    "a byte order mark inside": lambda text: text.replace("{", "{\ufeff", 1),
    "zero-width spaces inside": lambda text: text.replace('": "', '": "\u200b'),
    "invisible characters in each line": lambda text: "\u200b\xad\ufeff".join(pieces(text)),
    "invisible characters in the private key": lambda t: t.replace("MII", "MII\u200b\xad\ufeff"),
    "lines of a terminal": lambda text: "\n".join(pieces(text)),
    "lines of a terminal, CR LF": lambda text: "\r\n".join(pieces(text)),
    "line separators": lambda text: indented(text).replace("\n", "\u2028"),
    "line breaks of HTML": lambda text: indented(text).replace("\n", "<br>\n"),
    "a form": quote_plus,
    "a form, indented": lambda text: quote_plus(indented(text)),
    "a field of a form": lambda text: urlencode({"name": "fcm", "apiKey": text}),
    "percent, in small letters": lambda t: quote(t, safe="").replace("%7B", "%7b"),
    "percent, as encodeURI writes it": lambda text: quote(text, safe=":,;+/?=&$#@!*'()"),
    "percent, but for brackets": lambda text: quote(text, safe="{}:,"),
    "a cell of CSV": csv_cell,
    "a cell of CSV, indented": lambda text: csv_cell(indented(text)),
    "a row of CSV": lambda text: f"fcm;{csv_cell(text)};production",
    "a row of a table": lambda text: f"fcm\t{csv_cell(text)}",
    "doubled quotes": lambda text: csv_cell(text)[1:-1],
    "an exported variable": lambda text: f"export FCM={b64encode(text.encode()).decode()}",
}
