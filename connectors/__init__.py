"""The garden: one folder for each kind of outside system, pure Python, known to the hub by its name only."""
