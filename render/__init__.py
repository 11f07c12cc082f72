"""The room of the renderer: job and angles (no bpy), and a worker that is the only door to bpy."""
