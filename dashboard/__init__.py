"""The cashier's till, the technician's card desk and the manager's dashboard (Flask)."""
