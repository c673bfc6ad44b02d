"""HTTP/2 of a server by nghttp2, whose callbacks are kernels: streams of all connections are rows of arrays."""
