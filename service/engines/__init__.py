"""Who runs the work: the embedded engine by default."""
