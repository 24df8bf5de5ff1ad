export function withGrown<World extends object>(world: World): World;
