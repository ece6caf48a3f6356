"""Equations, written once: tensors in, tensors out, in nats, no hidden reduction."""
