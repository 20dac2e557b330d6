"""What an NTAG 424 DNA says and understands: bytes only, no I/O (NT4H2421Gx, AN12196)."""
