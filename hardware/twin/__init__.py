"""The twin: an NTAG 424 DNA, a reader's chip and a slot in software, down to the wire.

`card` is the card, on top of `native` and `iso` (its commands), `chip` (what it forgets without
power) and `state` (what it keeps; `store` is the drawer of cards on disk). It imports nothing of
the host but values, status words and AES, and speaks secure messaging from its own side.

`bench` is a reader on a table and the hand that lays cards on it. Behind it stands one attachment:
`vpcd` (a PC/SC reader) or `pty` with `pn532` (a serial one), over `typea` and `isodep`. `process`
runs all that as a child; `private_pcscd` is a PC/SC service for tests and the demo.
"""
