"""What the tools that look at files have in common: one walk, one reading, one judgement of equal content."""
