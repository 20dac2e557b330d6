"""What is owed and to whom: every rule about money."""
