"""The integration hub: one Django app, laid out as floors and rooms."""
