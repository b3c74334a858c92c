"""The filters of rows as a query or a body asks for them: what the library has, described once."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

from fastapi import Depends, Query

from wordtrace.act.filters import Filters

__all__ = ["AskedFilters", "Filters"]


def _asked(**given: Any) -> Filters:
    return Filters(**given)


_HINTS = get_type_hints(Filters)
_asked.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_HINTS[one.name], Query(description=one.metadata["description"])],
        )
        for one in fields(Filters)
    ]
)

#: What a route takes to have each filter as a parameter of its query. In a body, a field of the
#: type `Filters` holds them as an object.
AskedFilters = Annotated[Filters, Depends(_asked)]
