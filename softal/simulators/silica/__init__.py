"""Liquid silica."""
