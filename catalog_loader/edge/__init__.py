"""The loader's I/O: files in, the store out."""
