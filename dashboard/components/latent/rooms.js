// The rooms of the element by the class of their section: the way between pins first, for others draw it.

const ROOMS = [
  ["interpolation", InterpolationRoom],
  ["walk", WalkRoom],
  ["decoded", DecodedRoom],
  ["nearest", NearestRoom],
  ["traversal", Traversal],
  ["draw", DrawingPad],
  ["save", SaveRoom],
];
