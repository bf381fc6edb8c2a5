"""What is kept: the study directory, on any file system that pyarrow knows."""
