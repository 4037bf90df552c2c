"""Study of segmentation: four numbers that are called Dice, and which model each prefers."""
