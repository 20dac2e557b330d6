"""What an NTAG 424 DNA says and understands: bytes only, no I/O (NT4H2421Gx, AN12196).

A tap: `read` → `ndef` → `sun` (with `sdm` and `keys`). A card in hand: `card` over `session`,
`commands`, `files`; `lrp` and `originality` tell what kind of card it is. Below all of them:
`values`, `crypto`, `status`, `errors`.
"""
