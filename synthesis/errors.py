"""What can go wrong in synthesis; a task that doesn't work out is a `Drop`, which is a result and not an error.

EnvFactoryError
└── SynthesisError
    ├── LanguageError    a pattern of the lexicon or of an environment's phrases can't be read: mend the pattern
    ├── PhrasesError     an environment's phrases.toml contradicts its tools or schema: mend the file
    └── RunError         a run can't start or go on with what stands in its folder
"""

from envfactory_client import EnvFactoryError


class SynthesisError(EnvFactoryError):
    """Root of what this package raises on purpose."""


class LanguageError(SynthesisError):
    """A pattern can't be read."""


class PhrasesError(SynthesisError):
    """An environment's phrases contradict its tools or schema."""


class RunError(SynthesisError):
    """A run can't start, or can't go on with what stands in its folder."""


class Drop(SynthesisError):
    """A draft that doesn't hold; `reason` is a short word that the report counts by."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
