"""What all blocks of params.yaml are made of: kinds of numbers, and blocks that refuse what they do not know."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Part = Annotated[float, Field(ge=0, le=1)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Scaling = Literal["channel", "half", "global", "none"]
Amount = Annotated[float, Field(ge=0)]


class Block(BaseModel):
    """A block of params.yaml: unknown keys are errors, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)
