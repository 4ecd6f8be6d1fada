"""What a person types: thin commands over functions of app."""
