"""Encodes and decodes events: between the domain and the stored bytes."""

import msgspec

from domain.envelope import Envelope, RecordedEvent

encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(RecordedEvent)
decode_envelope = msgspec.json.Decoder(Envelope).decode
"""Returns the event that was stored as these bytes, without its position; raises as below."""


decode_envelopes = msgspec.json.Decoder(list[Envelope]).decode
"""Returns the events that were stored as the elements of this JSON array, likewise."""


class InvalidEventError(ValueError):
    """The stored bytes are no event that we ever stored."""


def decode_recorded(position: int, envelope: bytes) -> RecordedEvent:
    """Return the event stored as the bytes *envelope* at *position*.

    The position is no part of the stored bytes, since it is known only when they are appended;
    putting it before their first field lets one decoder make the whole event in one go.

    Raises:
        InvalidEventError: the bytes are no event that we ever stored.
    """
    try:
        event = decoder.decode(b'{"position":%d,%b' % (position, envelope[1:]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidEventError(
            InvalidEventError.__doc__
        ) from None  # the reason would repeat values
    if event.position != position:  # the bytes have one of their own
        raise InvalidEventError(InvalidEventError.__doc__)
    return event
