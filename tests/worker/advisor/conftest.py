"""Figures of tests in this folder are dollars."""

from tests.money import dollars

__all__ = ["dollars"]
