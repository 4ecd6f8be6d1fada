"""The access journal: who could have had which credentials when."""
