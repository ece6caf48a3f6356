"""From any source of images or vectors to a memory-mapped store, labels, splits and a data report. No torch."""
