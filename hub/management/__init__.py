"""The commands of the hub: doors for people and schedulers at a shell."""
