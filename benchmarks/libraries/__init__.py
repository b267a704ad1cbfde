"""What each library does for each operation of a case.

A file ``with_NAME.py`` imports the library NAME and holds functions named as the operations. Each
takes the dtype and the case's parameters, prepares the inputs, and returns a step: a function
without arguments that does the work once and returns the arrays that it computed. ``to_numpy``
turns such an array into NumPy's, and ``VERSION`` is shown beside the results.

These files are the only ones that know a peer, and are only imported by that peer's interpreter.
"""
