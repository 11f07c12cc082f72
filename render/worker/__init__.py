"""What runs inside Blender's own process: the only modules that import bpy.

That interpreter has numpy and none of our other dependencies, so what is imported here needs none of them.
"""
