"""Any spelling of a number that an SMS is from."""

from hypothesis import assume
from hypothesis import strategies as st

IGNORED = st.text(
    st.sampled_from(" \u00a0\u2009\u202f-\u2010\u2011\u2013\u2212./()[]\u00ad\u200b\u200e\u200f")
    | st.sampled_from("\u202a\u202b\u202c\u202d\u2060\u2066\u2069\ufeff\u061c"),
    max_size=2,
)
ZEROS = [0x30, 0x660, 0x6F0, 0x966, 0xFF10]


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a number or a short code, and one of its spellings."""
    channel, plus, digits = draw(
        st.sampled_from(["", "whatsapp:"]).flatmap(
            lambda c: st.tuples(
                st.just(c), st.just("+"), st.from_regex("[0-9]{6,15}", fullmatch=True)
            )
        )
        | st.tuples(st.just(""), st.just(""), st.from_regex("[1-9][0-9]{2,7}", fullmatch=True))
    )
    written = [draw(st.sampled_from([channel, channel.upper()]))]
    written.append(plus and draw(st.sampled_from("+\uff0b")))
    written += [chr(draw(st.sampled_from(ZEROS)) + int(digit)) for digit in digits]
    between = IGNORED if plus else st.just("")
    text = "".join(part + draw(between) for part in written)
    assume(len(text) <= 120)
    return channel + plus + digits, text
