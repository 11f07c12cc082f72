"""Materials in Blender's scene: skin from melanin and blood, and plain things."""

from __future__ import annotations

from typing import Any

import bpy

from render.hand.model import HandModel
from render.shot import Look, Skin

_SKIN = "skin"
# Fields of a shot's skin that are nodes of the same name in the skin's group.
_COLOURS = ("back_colour", "palm_colour", "melanin", "blood", "nail_bed", "nail_edge", "polish")
_NUMBERS = ("polished", "roughness", "nail_roughness", "crease")
_HEIGHT_STEP = 0.01e-3  # metres a level of the atlas


def node(tree: Any, kind: str, **settings: Any) -> Any:
    """A new node of a tree, with its attributes set."""
    made = tree.nodes.new(kind)
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def load_atlas(path: str, model: HandModel) -> list[str]:
    """Blender's images of a model's atlas (back, palm); their names. Empty where the model has none."""
    if not model.atlas.size:
        return []
    names = []
    for side, pixels in zip(("back", "palm"), model.atlas, strict=True):
        rows, columns = pixels.shape[:2]
        image = bpy.data.images.new(f"{path} {side}", columns, rows, alpha=True, is_data=True)
        image.alpha_mode = "CHANNEL_PACKED"
        image.pixels.foreach_set((pixels.astype("float32") / 255).reshape(-1))
        image.update()
        names.append(image.name)
    return names


def skin_of_part(number: int, side: str, texture: str) -> Any:
    """The skin's material for one part of a left or right hand; all parts of one side share a node group.

    Parameters
    ----------
    number: the part's class id in the mask. texture: path of a colour image, or "".
    """
    name = f"{_SKIN} {side} {number} {texture}"
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.pass_index = number
    tree = material.node_tree
    tree.nodes.clear()
    group = node(tree, "ShaderNodeGroup", node_tree=_skin_group(side))
    out = node(tree, "ShaderNodeOutputMaterial")
    tree.links.new(group.outputs["shader"], out.inputs["Surface"])
    if texture:
        picture = node(tree, "ShaderNodeTexImage", image=bpy.data.images.load(texture, check_existing=True))
        tree.links.new(picture.outputs["Color"], group.inputs["picture"])
        group.inputs["pictured"].default_value = 1.0
    return material


def _skin_group(side: str) -> Any:
    name = f"{_SKIN} {side}"
    if name in bpy.data.node_groups:
        return bpy.data.node_groups[name]
    tree = bpy.data.node_groups.new(name, "ShaderNodeTree")
    tree.interface.new_socket("picture", in_out="INPUT", socket_type="NodeSocketColor")
    tree.interface.new_socket("pictured", in_out="INPUT", socket_type="NodeSocketFloat")
    tree.interface.new_socket("shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    given = node(tree, "NodeGroupInput")
    out = node(tree, "NodeGroupOutput")
    link = tree.links.new

    back = node(tree, "ShaderNodeAttribute", attribute_name="back").outputs["Fac"]
    detail, nail = _painted(tree, back)
    channel = node(tree, "ShaderNodeSeparateColor")
    link(detail, channel.inputs["Color"])
    # nail: up to 0.22 skin with creases, about 0.63 the bed, 1 the free edge.
    plate = _ramp(tree, nail, 0.25, 0.5)
    skin = _skin_colour(tree, back, channel.outputs["Green"], channel.outputs["Blue"])
    skin = _creased(tree, skin, _ramp(tree, nail, 0.0, 0.22))
    coloured = _mix(tree, plate, skin, _nail_colour(tree, nail))
    coloured = _mix(tree, given.outputs["pictured"], coloured, given.outputs["picture"])

    height = _line(tree, channel.outputs["Red"], 255 * _HEIGHT_STEP, -128 * _HEIGHT_STEP)
    bump = node(tree, "ShaderNodeBump", name="bump")
    bump.inputs["Distance"].default_value = 1.0
    link(height, bump.inputs["Height"])
    roughness = [_value(tree, name, single=True) for name in ("roughness", "nail_roughness")]
    surface = node(tree, "ShaderNodeBsdfPrincipled", name="surface")
    link(coloured, surface.inputs["Base Color"])
    link(_mix(tree, plate, roughness[0], roughness[1], kind="FLOAT"), surface.inputs["Roughness"])
    link(bump.outputs["Normal"], surface.inputs["Normal"])
    surface.inputs["IOR"].default_value = 1.4
    surface.inputs["Subsurface Radius"].default_value = (1.0, 0.35, 0.2)
    link(surface.outputs[0], out.inputs["shader"])
    return tree


def _painted(tree: Any, back: Any) -> tuple[Any, Any]:
    """The atlas where a point of the skin lies at rest: height, melanin, blood; and nail."""
    rest = node(tree, "ShaderNodeAttribute", attribute_name="rest")
    place = node(tree, "ShaderNodeMapping", name="place", vector_type="POINT")
    tree.links.new(rest.outputs["Vector"], place.inputs["Vector"])
    maps = []
    for side in ("palm", "back"):
        picture = node(tree, "ShaderNodeTexImage", name=side, extension="EXTEND")
        tree.links.new(place.outputs["Vector"], picture.inputs["Vector"])
        maps.append(picture)
    detail = _mix(tree, back, *(picture.outputs["Color"] for picture in maps))
    low, high = (picture.outputs["Alpha"] for picture in maps)
    return detail, _mix(tree, back, low, high, kind="FLOAT")


def _skin_colour(tree: Any, back: Any, melanin: Any, blood: Any) -> Any:
    """own * exp((1 - melanin) * a + (1 - blood) * b), a and b per channel of RGB.

    The signs are those of `tone.log_change` reversed, as Blender's colours cannot be negative.
    """
    link = tree.links.new
    own = _mix(tree, back, _value(tree, "palm_colour"), _value(tree, "back_colour"))
    total = node(tree, "ShaderNodeVectorMath", operation="ADD")
    for number, (name, painted) in enumerate((("melanin", melanin), ("blood", blood))):
        link(_scaled(tree, _value(tree, name), _line(tree, painted, -255 / 128, 1.0)), total.inputs[number])
    split = node(tree, "ShaderNodeSeparateXYZ")
    joined = node(tree, "ShaderNodeCombineXYZ")
    link(total.outputs[0], split.inputs[0])
    for axis in range(3):
        power = node(tree, "ShaderNodeMath", operation="EXPONENT")
        link(split.outputs[axis], power.inputs[0])
        link(power.outputs[0], joined.inputs[axis])
    skin = node(tree, "ShaderNodeVectorMath", operation="MULTIPLY")
    link(own, skin.inputs[0])
    link(joined.outputs[0], skin.inputs[1])
    return skin.outputs[0]


def _creased(tree: Any, skin: Any, depth: Any) -> Any:
    """Darker in creases, into which little light falls, whatever the colour of the skin."""
    lost = node(tree, "ShaderNodeMath", operation="MULTIPLY")
    tree.links.new(depth, lost.inputs[0])
    tree.links.new(_value(tree, "crease", single=True), lost.inputs[1])
    return _scaled(tree, skin, _line(tree, lost.outputs[0], -1.0, 1.0))


def _nail_colour(tree: Any, nail: Any) -> Any:
    free = _ramp(tree, nail, 0.72, 0.95)
    bare = _mix(tree, free, _value(tree, "nail_bed"), _value(tree, "nail_edge"))
    return _mix(tree, _value(tree, "polished", single=True), bare, _value(tree, "polish"))


def _value(tree: Any, name: str, *, single: bool = False) -> Any:
    """A colour, or a single number, that `set_skin` sets."""
    kind = "ShaderNodeValue" if single else "ShaderNodeRGB"
    return node(tree, kind, name=name, label=name).outputs[0]


def _line(tree: Any, value: Any, slope: float, start: float) -> Any:
    """slope * value + start."""
    line = node(tree, "ShaderNodeMath", operation="MULTIPLY_ADD")
    tree.links.new(value, line.inputs[0])
    line.inputs[1].default_value, line.inputs[2].default_value = slope, start
    return line.outputs[0]


def _scaled(tree: Any, vector: Any, factor: Any) -> Any:
    scaled = node(tree, "ShaderNodeVectorMath", operation="SCALE")
    tree.links.new(vector, scaled.inputs[0])
    tree.links.new(factor, scaled.inputs["Scale"])
    return scaled.outputs[0]


def _mix(tree: Any, factor: Any, low: Any, high: Any, kind: str = "RGBA") -> Any:
    mix = node(tree, "ShaderNodeMix", data_type=kind)
    offset = {"FLOAT": 2, "RGBA": 6}[kind]
    tree.links.new(factor, mix.inputs[0])
    tree.links.new(low, mix.inputs[offset])
    tree.links.new(high, mix.inputs[offset + 1])
    return mix.outputs[{"FLOAT": 0, "RGBA": 2}[kind]]


def _ramp(tree: Any, value: Any, low: float, high: float) -> Any:
    ramp = node(tree, "ShaderNodeMapRange", clamp=True)
    tree.links.new(value, ramp.inputs["Value"])
    ramp.inputs["From Min"].default_value, ramp.inputs["From Max"].default_value = low, high
    return ramp.outputs["Result"]


def set_skin(skin: Skin, side: str, atlas: list[str]) -> None:
    """Give the skin of left or right hands a person's colours and a model's maps."""
    tree = _skin_group(side)
    for name in _COLOURS:
        tree.nodes[name].outputs[0].default_value = (*getattr(skin, name), 1.0)
    for name in _NUMBERS:
        tree.nodes[name].outputs[0].default_value = getattr(skin, name)
    surface = tree.nodes["surface"].inputs
    surface["Subsurface Weight"].default_value = skin.subsurface
    surface["Subsurface Scale"].default_value = skin.subsurface_mm / 1000
    tree.nodes["bump"].inputs["Strength"].default_value = skin.bump if atlas else 0.0
    for side, image in zip(("back", "palm"), atlas or (None, None), strict=True):
        tree.nodes[side].image = bpy.data.images[image] if image else _plain_map()
    x0, y0, x1, y1 = skin.atlas_box
    place = tree.nodes["place"].inputs
    place["Scale"].default_value = (1 / (x1 - x0), 1 / (y1 - y0), 1.0)
    place["Location"].default_value = (-x0 / (x1 - x0), -y0 / (y1 - y0), 0.0)


def _plain_map() -> Any:
    if "plain map" not in bpy.data.images:
        image = bpy.data.images.new("plain map", 1, 1, alpha=True, is_data=True)
        image.pixels = (128 / 255, 128 / 255, 128 / 255, 0.0)
    return bpy.data.images["plain map"]


def plain(name: str, look: Look, part: int) -> Any:
    """A material of one colour: metal, cloth, a table. part: its number in the mask."""
    material = bpy.data.materials.get(name) or bpy.data.materials.new(name)
    material.use_nodes = True
    material.pass_index = part
    surface = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED").inputs
    surface["Base Color"].default_value = (*look.colour, 1.0)
    surface["Metallic"].default_value = look.metallic
    surface["Roughness"].default_value = look.roughness
    return material
