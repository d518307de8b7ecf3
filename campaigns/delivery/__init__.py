"""GETTING IT OUT: the ledger and everything that moves its rows."""
