"""From codes to directions that move one factor and nothing else, with the proof."""
