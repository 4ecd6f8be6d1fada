"""What stands in place of a value: the name of a variable that nobody filled in, and the like."""

import re

ENVIRONMENT_NAME = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
# To a variable of shells and templates, of Windows and Symfony, and of code. Names of companies
# hold dollars, percent and environments, too.
REFERENCE = re.compile(
    r"[$#{%]\{[^{}]+\}|\$\([A-Za-z]+_\w+\)|^\$(?=\w*(?:_|[a-z][A-Z]))[A-Za-z]\w+(?:@|$)"
    r"|^%[A-Za-z]\w+%$|(?<!\w)%[A-Z][A-Z0-9_]+%(?!\w)"
    r"|\b(?:process|import\.meta)\.env[.\[]|\benviron[.\[]|ENV\[[\"']"
    r"|\b(?i:(?:get_?)?env(?:\.get|\.fetch|::var)?|GetEnvironmentVariable|config)\([\"']"
)
# Of a secret: hidden behind signs, one sign again and again, an address in a vault, a variable.
STAND_IN = re.compile(
    r"[*\u2022\u25cf]{4}|^(.)\1+$|^[a-z]+://"
    rf"|^{ENVIRONMENT_NAME}=?$|{REFERENCE.pattern}"
)
