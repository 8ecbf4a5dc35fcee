"""The page Collect: datasets of people's own, their classes and images; and the dialog that adds images to them."""
