"""The pages of the console, one controller for each place in the navigation."""
