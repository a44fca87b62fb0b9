"""What there is, what was wanted, what was decided."""
