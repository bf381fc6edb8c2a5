"""What is shown: report, plots, terminal, MLflow. Views of the records and of what was concluded."""
