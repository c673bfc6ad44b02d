"""Revisions of the business side's tables, oldest first; never edited once they are released."""
