"""What other people's machines send us, made by generators, each with the answer we expect."""
