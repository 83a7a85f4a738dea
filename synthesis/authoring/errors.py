"""What can go wrong while an environment is begun."""

from synthesis.errors import SynthesisError


class AuthoringError(SynthesisError):
    """A skeleton can't be written so, or a folder isn't an environment's; nothing was written."""
