"""The renderer: from a job to a dataset of rendered hands. Only render/worker imports bpy."""
