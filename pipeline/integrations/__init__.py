"""Callbacks that report a library's numbers, one file each; outside of a sweep they do nothing.

from backtrack.integrations.lightgbm import reporter
lightgbm.train(..., callbacks=[reporter()])
"""
