"""Files of charging records."""
