"""Top-ups and adjustments of balances on the live engine (TMF654): what was asked, by whom, and what came of it."""
