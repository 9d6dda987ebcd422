"""The knowledge database (module 2 of the paper).

It stores "risk data and expert knowledge data"; expert knowledge is "a solution corresponding to the risk data".
"""
