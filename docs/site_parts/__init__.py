"""Parts of the manual that are made from the code whenever it is built."""
