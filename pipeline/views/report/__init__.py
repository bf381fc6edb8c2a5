"""The report: tables, plots and one self-contained page, made from an analysis. Same records, same bytes."""
