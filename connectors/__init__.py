"""The outside world: one folder per provider, behind one seam."""
