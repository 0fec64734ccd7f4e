"""The supervisor: starts every process of a hub, restarts what dies, and stops all of it together."""
