"""How the tables of the state came to be: one revision a file, run when the state is opened."""
