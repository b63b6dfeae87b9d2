"""Liquid argon."""
