"""Which factors change a response, alone and in pairs, and how sure that is."""
