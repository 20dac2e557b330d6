"""The only rooms that speak to KiCad's own Python; they run under the system's interpreter."""
