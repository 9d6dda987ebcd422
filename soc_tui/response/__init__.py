"""The hands of risk processing: actions with preview, guards, proof and undo."""
