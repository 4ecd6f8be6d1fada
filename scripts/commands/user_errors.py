"""Errors that a user can correct: the commands print them in one line."""

from app.audit.errors import AuditError
from app.backup.errors import BackupError
from app.database.embedded import EmbeddedServerError
from app.database.migrate import MigrationError
from app.database.rights import MissingRightsError
from app.event_store.log_range import LogCorruptedError
from app.installation import InstallationError
from app.providers.errors import ProviderFileError
from app.replay.replay import LogNotFoundError, UnknownSelectionError
from app.secrets.errors import KeyringUnavailableError, SecretsError
from app.settings import SettingsError
from app.tokens.errors import TokenError
from app.views.rebuild.rebuild import RebuildError

USER_ERRORS = (
    SettingsError, EmbeddedServerError, MigrationError, MissingRightsError, InstallationError,
    ProviderFileError, SecretsError, TokenError, KeyringUnavailableError, LogNotFoundError,
    LogCorruptedError, RebuildError, AuditError, BackupError, UnknownSelectionError,
)  # fmt: skip
