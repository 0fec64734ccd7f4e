"""The integration hub: one Django app, laid out as floors and rooms."""

__version__ = "0.1.0"
