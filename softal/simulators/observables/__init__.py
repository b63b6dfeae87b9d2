"""What is computed from positions: structure factor, radial distribution function."""
