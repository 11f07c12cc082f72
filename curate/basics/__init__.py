"""What everything stands on: errors, files, settings, keypoints, geometry, images, heatmaps."""
