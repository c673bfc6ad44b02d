"""Where Nchf meets HTTP/2."""
