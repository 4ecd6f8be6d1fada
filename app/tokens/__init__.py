"""Who asks: bearer tokens, the keys that they are verified with, and what they allow."""
