"""WHAT WAS AGREED: programmes, strategies and their versions, agreements."""
