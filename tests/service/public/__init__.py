"""The pages and hooks that need no login."""
