"""WHO: people, groups, communities and organisations, and what we may send them."""
