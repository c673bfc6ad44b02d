"""What is sold: specifications, offerings, prices, their life cycle, working copy and releases."""
