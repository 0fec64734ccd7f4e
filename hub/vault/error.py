"""What goes wrong with sealed values."""


class UnsealError(Exception):
    """A sealed value cannot be opened: another key, another owner, another environment, or damage."""


class SealOnlyError(UnsealError):
    """This process has keys to seal with and none to open with; workers have those."""


class ProviderError(UnsealError):
    """The service that keeps the keys does not answer, or refuses."""
