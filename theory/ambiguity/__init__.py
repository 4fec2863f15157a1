"""What distribution matching leaves open, and how many anchors close it (theorems C1 to C5)."""
