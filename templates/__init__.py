"""The words people see; a package so that wheels carry them."""
