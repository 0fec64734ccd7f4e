"""The door for people: Django's admin, one module per noun."""
