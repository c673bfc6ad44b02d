"""The stores of balances, and what reads and writes their journal."""
