"""One small module per policy; the chain is in `domain/decide.py`."""
