/** Every fault of the layout below `root`, as `path: what is wrong`. */
export function checkImports(root: string): string[];
