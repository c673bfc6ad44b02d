"""Where the business side touches the world: databases, tokens, networks, mail."""
