"""Between events as the domain knows them and the bytes that the log keeps of them."""

import msgspec

from domain.recorded import Envelope, Recorded

encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(Recorded)
envelope_from = msgspec.json.Decoder(Envelope).decode
"""Returns the event that was stored as these bytes, without its position; raises as below."""


envelopes_from = msgspec.json.Decoder(list[Envelope]).decode
"""Returns the events that were stored as the elements of this JSON array, likewise."""


class NoEventError(ValueError):
    """The stored bytes are no event that we ever stored."""


def recorded_from(position: int, envelope: bytes) -> Recorded:
    """Return the event stored as the bytes *envelope* at *position*.

    The position is no part of the stored bytes, since it is known only when they are appended;
    putting it before their first field lets one decoder make the whole event in one go.

    Raises:
        NoEventError: the bytes are no event that we ever stored.
    """
    try:
        event = decoder.decode(b'{"position":%d,%b' % (position, envelope[1:]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoEventError(NoEventError.__doc__) from None  # the reason would repeat values
    if event.position != position:  # the bytes have one of their own
        raise NoEventError(NoEventError.__doc__)
    return event
