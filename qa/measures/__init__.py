"""What the checks judge by: measurements of images and hands, and the statistics to compare them with."""
