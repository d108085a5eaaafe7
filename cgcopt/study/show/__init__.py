"""Studies as tables, plots and one page of HTML."""
