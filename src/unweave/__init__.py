"""unweave: independent dials from entangled representations."""

__version__ = "0.1.0.dev0"
