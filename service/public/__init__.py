"""What needs no login: links that people were sent, and the calls of providers."""
