"""The processes: HTTP, pages, clock, workers, command line."""
