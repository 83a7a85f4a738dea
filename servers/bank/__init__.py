"""Bank: a retail bank's service desk, over a ledger in which every movement balances to zero."""
