"""Bad input: every parser as a target, mutations of what is valid, and two engines over them."""
