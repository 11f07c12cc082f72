"""A hand: its bones, flesh, skin and pose, and what it wears. No bpy."""
