"""Account balance management: what is left, what is held, who may spend what."""
