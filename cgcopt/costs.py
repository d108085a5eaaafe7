"""What a round costs besides computing: starting and sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cgcopt._validate import finite_number

__all__ = ["Costs"]


@dataclass(frozen=True)
class Costs:
    """Seconds for starting and for sending; a worker computes and sends in turn.

    With ``X_n`` the coordinates and ``K_n`` the used levels up to level ``n`` a round takes

        tau = startup + max_n { u T_(N-n) w_n + per_coordinate X_n + per_message K_n } ,

    the maximum over the used levels: every used level sends one message.

    Parameters
    ----------
    startup : float
        Seconds before a worker begins.
    per_coordinate : float
        Seconds to send one coded partial derivative.
    per_message : float
        Seconds that a message takes besides.

    Examples
    --------
    >>> bool(Costs()), bool(Costs(per_message=0.01))
    (False, True)
    """

    startup: float = 0.0
    per_coordinate: float = 0.0
    per_message: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = finite_number(f"costs.{name}", getattr(self, name), least=0)
            object.__setattr__(self, name, value)

    def __bool__(self) -> bool:
        """Whether anything costs time."""
        return bool(self.to_dict())

    @property
    def label(self) -> str:
        """A short description for names and tables; empty without costs."""
        return " ".join(f"{name}={value:g}" for name, value in self.to_dict().items())

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[costs]`` table of an instance file: what is not 0."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in fields.items() if value > 0}
