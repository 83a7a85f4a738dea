"""Screens: the reward of every task is itself tested before the task ships."""
