"""Use cases: verbs over nouns; the only code that touches two nouns or the outside."""
