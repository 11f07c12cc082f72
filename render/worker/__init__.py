"""What runs inside Blender's own process, and alone imports bpy.

That interpreter has numpy and none of our other packages, so neither do the modules that are imported here.
"""
