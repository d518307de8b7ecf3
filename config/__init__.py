"""Settings files; a package so that wheels carry them."""
