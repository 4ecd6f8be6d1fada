"""One process of atheris over one target: `python -m tests.fuzzing.engine TARGET FLAG…`.

Every parser is instrumented, so that libFuzzer sees which input leads to code that no other
reached; half of its inputs are its own mutations, half are ours, which know JSON.
"""

import sys
from importlib import import_module
from typing import Any

from tests.fuzzing.mutation import mutate

INSTRUMENTED = ["app", "domain", "projections", "email_validator", "jwt", "phonenumbers", "tomllib"]


def main(name: str, flags: list[str]) -> None:
    """Feed the target *name* until libFuzzer's *flags* say that it is enough; does not return."""
    atheris: Any = import_module("atheris")  # not among what CI installs
    with atheris.instrument_imports(include=INSTRUMENTED):
        target = import_module("tests.fuzzing.registry").TARGETS[name]

    def mutate_either_way(data: bytes, longest: int, seed: int) -> bytes:
        if seed % 2:
            return mutate(data, target.words, seed)[:longest]
        return atheris.Mutate(data, longest)

    def feed(data: bytes) -> None:
        target.feed(data)  # libFuzzer takes no answer but None

    atheris.Setup([sys.argv[0], *flags], feed, custom_mutator=mutate_either_way)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
