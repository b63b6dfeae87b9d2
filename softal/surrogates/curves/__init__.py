"""Models of whole curves, by Gaussian processes of their scores in a basis."""
