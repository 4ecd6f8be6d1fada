"""Which regions of a provider a check asks, and what their verdicts say together."""

from collections.abc import Mapping, Sequence

from app.providers.http_client import Values
from app.providers.provider_file import ProviderFile, Region
from app.providers.verdict import Verdict

PRECEDENCE = ("ok", "inconclusive", "insufficient", "retired", "invalid")
UNDECIDED = "{regions} gave no verdict, so the credentials may still work there: {reason}"
UNDECIDED_VARIOUSLY = (
    "{regions} gave no verdict, so the credentials may still work there; in {region}: {reason}"
)
ONE_REGION = (
    "Only the region {region} was asked: compare settings.region before you make a new key."
    " {reason}"
)


def regions_to_ask(provider: ProviderFile, values: Values) -> Sequence[Region]:
    """Return the regions of *provider* that the setting `region` names; without it, all."""
    wanted = values.get("region")
    if wanted is None:
        return provider.regions
    name = wanted.reveal().decode()
    return [r for r in provider.regions if r.name.upper() == name.upper()] or provider.regions


def merge_verdicts(found: Mapping[str, Verdict]) -> Verdict:
    """Return what the verdicts of regions, by the region's name, say together.

    One ok is enough; else one region without a verdict leaves it open; else insufficient counts
    before retired, and invalid only if all say so. Of two alike, that of a region that knows the
    credentials counts, else the first.
    """
    best = min(
        found.values(),
        key=lambda verdict: (PRECEDENCE.index(verdict.outcome), verdict.region is None),
    )
    return undecided(found) if best.outcome == "inconclusive" else best


def undecided(found: Mapping[str, Verdict]) -> Verdict:
    """Return the verdict on regions of which some are inconclusive: it names those.

    A region that knows the credentials stays named as well.
    """
    silent = {name: v for name, v in found.items() if v.outcome == "inconclusive"}
    (region, reason), *others = silent.items()
    is_same = all(verdict == reason for _, verdict in others)
    if is_same and len(silent) == len(found):
        return reason
    known = next((v.region for v in found.values() if v.region), None)
    limits = {"regions": ", ".join(silent)} | ({} if is_same else {"region": region})
    message = UNDECIDED if is_same else UNDECIDED_VARIOUSLY
    return Verdict("inconclusive", message, limits, known, reason)


def name_only_region(verdict: Verdict, asked: Sequence[Region], provider: ProviderFile) -> Verdict:
    """Return *verdict*, with the region that was *asked* if *provider* has others.

    A refusal by one that does not know the credentials says nothing of the others.
    """
    is_refusal = verdict.outcome in ("invalid", "insufficient") and verdict.region is None
    if not is_refusal or len(asked) == len(provider.regions):
        return verdict
    return Verdict(verdict.outcome, ONE_REGION, {"region": asked[0].name.upper()}, reason=verdict)
