"""Between events as the domain knows them and events as the library passes them on."""

from eventsourcing.persistence import Notification, StoredEvent

from app.log.envelopes import encoder, recorded_from
from domain.recorded import Envelope, Recorded


def stream_name(workspace: str, stream: str) -> str:
    """Return the library's originator id: the workspace, a slash, and the stream."""
    return f"{workspace}/{stream}"


def stored_from(envelope: Envelope) -> StoredEvent:
    """Return *envelope* as it is stored: encoded once, fields in the order of the Struct."""
    return StoredEvent(
        originator_id=stream_name(envelope.workspace, envelope.stream),
        originator_version=envelope.version,
        topic=type(envelope.event).__name__,
        state=encoder.encode(envelope),
    )


def recorded_from_notification(notification: Notification) -> Recorded:
    """Return the event that one of the library's recorders handed out."""
    return recorded_from(notification.id, notification.state)
