"""Data: the Farmyard, readers of real sets, joint transforms, the loader."""
