"""Colloids in a plane whose elastic shells flatten where they touch."""
