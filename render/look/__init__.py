"""How a picture looks: the colour of skin, and the lights and grounds to choose from. numpy only."""

RGB = tuple[float, float, float]  # linear, as light has it
