"""Labels: which rows to label next, and what more of them buy. Only the encoder of a trained model needs torch."""
