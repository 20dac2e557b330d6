"""An NTAG 424 DNA card, its chip and its slot in software."""
