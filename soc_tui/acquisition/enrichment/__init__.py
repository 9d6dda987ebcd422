"""Enrichment: what is known of an address, a name or an indicator beside what the log says, worked out offline.

Every module is pure and of one concern. Each distinct value is described once and joined back by SQL (see
``store/enrichment.py`` and ``management/enrichment.py``).
"""
