"""Are the placed cameras alive."""
