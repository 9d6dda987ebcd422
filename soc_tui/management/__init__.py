"""The management centre (module 1 of the paper): "system management, connection and call of each module"."""
