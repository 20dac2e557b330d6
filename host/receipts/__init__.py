"""What stands on a receipt, in the store's language, on paper of any width."""
