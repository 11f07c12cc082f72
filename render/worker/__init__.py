"""The only door to bpy: what runs inside Blender's own process. Imports numpy and nothing of the core's."""
