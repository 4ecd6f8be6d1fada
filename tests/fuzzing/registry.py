"""All targets by name."""

from collections.abc import Mapping

from tests.fuzzing import (
    audit_targets,
    body_targets,
    log_targets,
    operator_targets,
    provider_targets,
    request_targets,
    token_targets,
)
from tests.fuzzing.target import Target

TARGETS: Mapping[str, Target] = {
    target.name: target
    for module in (
        log_targets,
        body_targets,
        request_targets,
        token_targets,
        audit_targets,
        provider_targets,
        operator_targets,
    )
    for target in module.TARGETS
}
