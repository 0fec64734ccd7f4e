"""System checks with ids: what is wrong with this installation, and the cure."""
