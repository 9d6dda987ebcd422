"""The remote connection auxiliary (module 7 of the paper): experts and sensors.

Nothing can be configured here yet, and ``status`` shows the module as off.
"""
