"""Networks that tell phases by their diffraction patterns."""
