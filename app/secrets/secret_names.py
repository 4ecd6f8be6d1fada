"""Is a text a value behind the name of a secret: `SMTP_PASSWORD=…`, `Clé API : …`?"""

import re
from collections.abc import Iterable, Mapping

from app.secrets.plain_text import unaccented_text

# What secrets are called, in our languages without accents; a blank stands for one sign or none.
# These are found in longer words, too: smtppassword.
IN_WORDS: Mapping[str, Iterable[str]] = {
    "English": ("secret", "token", "password", "passwd", "passphrase", "passcode", "credential"),
    "kinds of keys": ("api key", "auth key", "access key", "private key", "signing key"),
    "German": ("passwort", "kennwort", "schlussel"),
}
# These only at the beginning of a word: a monkey is no key.
AS_WORDS: Mapping[str, Iterable[str]] = {
    "English": ("pass", "pwd", "pw", "auth", "key"),
    "German": ("geheimnis",),
    "Spanish": ("contrasena", "clave", "secreto"),
    "French": ("mot de passe", "cle", "jeton"),
    "Portuguese": ("senha", "chave", "segredo"),
    "Turkish": ("sifre", "parola", "anahtar", "anahtar\u0131"),
    "Arabic": ("كلمة المرور", "كلمة السر", "مفتاح"),
}
# What may stand behind them: API_KEY_EU, password2, clave de API.
ADDITIONS = (
    *("prod", "production", "live", "test", "dev", "staging", "eu", "us", "old", "new", "base"),
    *("value", "api", "de api", "d'api"),
)


def any_of(words: Iterable[str]) -> str:
    """Return the pattern of one of *words*."""
    return f"(?:{'|'.join(words).replace(' ', '[ _.-]?')})"


def words_in(table: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the words of every language in *table*."""
    return [word for words in table.values() for word in words]


IN_CAMEL_CASE = [word.capitalize() for word in AS_WORDS["English"]]  # smtpPass
NAME = (
    rf"(?:(?:{any_of(words_in(IN_WORDS))}"
    rf"|(?<![a-z])(?<!public[ _.-]){any_of(words_in(AS_WORDS))}"
    rf"|(?-i:(?<=[a-z0-9])(?<!ublic){any_of(IN_CAMEL_CASE)}))s?"
    rf"(?:[ _.-]?(?:v?\d{{1,4}}|{any_of(ADDITIONS)}))*)"
)
SIGN = r"[\"'`]?[)\]]?\s{0,9}(?:[:?+]?=>?|:)\s{0,9}"
NAMED_SECRET = re.compile(  # an address has other signs in front, or another name
    rf"^[ \t\"'`(<\[{{$-]{{0,9}}(?:env:)?[\w .'()\[\]\"-]{{0,80}}?{NAME}"
    rf"(?: \([^()]{{0,40}}\))?{SIGN}\S",
    re.IGNORECASE | re.MULTILINE,
)
# In a text of words "Token: refresh" names no secret: a variable does, or a member of JSON.
SECRET_VARIABLE = re.compile(
    r"(?<![^\s\"'`({<;,|$:])(?:"
    rf"[\w.-]{{0,80}}?{NAME}(?:=|\s{{1,9}}=>?\s{{0,9}}(?=[\"'`]))"
    r"|(?=(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z][a-z0-9]*(?:(?:[._][a-z0-9]+)+|[A-Z]\w*)"
    r"|X-[\w-]+|(?<=[\"'])\w+[\"'])(?![\w.-]))"
    rf"[\w.-]{{0,80}}?{NAME}{SIGN})"
    r"[\"'`]?(?!\$\{\w+\}(?![^\s\"'`])|op://)[^\s\"'`]{6}",  # where it stands is none
    re.IGNORECASE,
)


def names_secret(text: str, *, is_free: bool = False) -> bool:
    """Return whether *text* is a value behind the name of a secret: `SMTP_PASSWORD=…`.

    One that *is_free* may have words in front of a colon.
    """
    plain = unaccented_text(text)
    if "=" not in plain and ":" not in plain:  # the SIGN has one of them
        return False
    return (SECRET_VARIABLE if is_free else NAMED_SECRET).search(plain) is not None
