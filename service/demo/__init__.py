"""The demo: the whole loop on real mail, with sample people; needs `pip install dolen[demo]`."""
