"""What finds keypoints in photographs, behind one contract."""
