"""Listens to whatever trains in this process, through torch's own extension points. No line of it changes."""

from backtrack.watch.listening.ears import listen

__all__ = ["listen"]
