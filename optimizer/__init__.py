"""Which cameras, within the budget."""
