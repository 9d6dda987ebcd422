"""Sigma: the community's rules for logs, compiled by pySigma to DuckDB SQL that reads our events.

``documents`` finds and splits rule files, ``sources`` says which events a log source means and what its fields are
here, ``pipeline`` and ``backend`` are pySigma's two halves of a conversion, ``compiling`` puts them together.
``compiled``, ``loading``, ``matching`` and ``finding`` use the result and need no pySigma, so an engine that starts
with rules it has compiled before imports none of it.
"""
