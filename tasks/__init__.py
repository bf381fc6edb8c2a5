"""The built-in tasks: one file a task, each exposing `task` through the same interface as a user's own file."""
