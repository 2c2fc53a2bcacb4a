"""Project: one image of each z-stack."""

from tasks.project.config import Project, check_stacks
from tasks.project.methods import project

__all__ = ["Project", "check_stacks", "project"]
