"""The page of the report: tables and pictures in, one HTML file out that needs nothing besides itself."""

from tasks.report.page.render import render_report

__all__ = ["render_report"]
