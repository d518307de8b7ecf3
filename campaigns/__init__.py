"""The domain: who, what was agreed, what goes out, getting it out, what came back."""
