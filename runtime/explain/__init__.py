"""Why a session was answered as it was: its decisions out of the journal, in words."""
