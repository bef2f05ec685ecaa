"""Erased persons are taken out of landed dumps before anything reads them again."""
