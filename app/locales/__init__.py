"""Messages in the reader's language: gettext catalogues and the choice among them."""
