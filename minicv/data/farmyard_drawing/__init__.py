"""How the Farmyard's things and scenery are drawn: one thing a file."""
