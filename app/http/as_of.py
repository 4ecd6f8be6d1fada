"""The query parameter `asOf`: which moment of the past is asked for (contract, 8)."""

from msgspec import Struct

from app.http.query_parameters import Parameters
from app.http.timestamps import moment
from app.views.as_of import Moment


class AsOf(Struct, rename="camel", frozen=True):
    """A moment, None for now."""

    as_of: Moment | None = None


AS_OF = Parameters(shape=AsOf, rules={"asOf": moment})
