"""Changes to any training from outside, through torch's own extension points. No line of the training changes."""
