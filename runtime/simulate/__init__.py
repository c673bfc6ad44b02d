"""`farebox simulate`: a network function of a scenario file, with nothing in common with the server that it talks to."""
