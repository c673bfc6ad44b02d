"""What drives workflows, and the processes' part in them."""
