import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A code that some place in the sources logs with. */
export interface LoggedCode {
  readonly code: string;
  readonly level: 'warn' | 'error';
  /** `file:line`. */
  readonly where: string;
}

/** What is logged with, and where a code is handed on that this cannot follow. */
export interface Logged {
  readonly codes: readonly LoggedCode[];
  readonly unknown: readonly string[];
}

const NAMES: ReadonlyMap<string, 'warn' | 'error'> = new Map([
  ['warn', 'warn'],
  ['#warn', 'warn'],
  ['onWarning', 'warn'],
  ['error', 'error'],
]);

/** Reads every code off the sources below these folders: `warn('code', …)`, `logger.warn({ code: 'code' }, …)`. */
export function loggedCodes(root: string, folders: readonly string[], but: readonly string[]): Logged {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => `${folder}/${file}`)
      .filter((file) => file.endsWith('.ts') && !but.some((prefix) => file.startsWith(prefix))),
  );
  const found = files.map((file) => inFile(file, readFileSync(join(root, file), 'utf8')));
  return { codes: found.flatMap(({ codes }) => codes), unknown: found.flatMap(({ unknown }) => unknown) };
}

function inFile(file: string, text: string): Logged {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const codes: LoggedCode[] = [];
  const unknown: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const level = node.expression.getText().startsWith('console.') ? undefined : NAMES.get(calleeOf(node));
      const first = node.arguments[0];
      if (level !== undefined && first !== undefined) {
        const where = `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
        const told = codesOf(first);
        if (told === undefined) unknown.push(`${where} ${first.getText().slice(0, 60)}`);
        else codes.push(...told.map((code) => ({ code, level, where })));
      }
    }
    // Codes that stand in a table and are handed on from there.
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'code' && isInTable(node)) {
      for (const code of codesOf(node.initializer) ?? []) codes.push({ code, level: 'warn', where: file });
    }
    if (ts.isVariableDeclaration(node) && node.name.getText() === 'CODES') {
      const values = node.initializer?.getText().matchAll(/'([a-z]+(?:_[a-z]+)+)',/g) ?? [];
      for (const [, code = ''] of values) codes.push({ code, level: 'warn', where: file });
    }
    // One of them has a name, because others ask for it.
    if (ts.isVariableDeclaration(node) && node.name.getText() === 'RIGHTS_MISSING' && node.initializer !== undefined) {
      for (const code of codesOf(node.initializer) ?? []) codes.push({ code, level: 'warn', where: file });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { codes, unknown };
}

function calleeOf({ expression }: ts.CallExpression): string {
  return ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText();
}

/** Objects with `text` or `field` beside the code are entries of a table, those beside `status` are refusals. */
function isInTable({ parent }: ts.PropertyAssignment): boolean {
  const names = ts.isObjectLiteralExpression(parent) ? parent.properties.map((each) => each.name?.getText()) : [];
  return names.includes('text') || names.includes('field');
}

/** Codes that an expression stands for; `undefined` where that cannot be read, `[]` where it only hands one on. */
function codesOf(expression: ts.Expression): string[] | undefined {
  if (ts.isStringLiteral(expression)) return /^[a-z_]+$/.test(expression.text) ? [expression.text] : [];
  if (ts.isTemplateExpression(expression))
    return [
      expression
        .getText()
        .slice(1, -1)
        .replace(/\$\{[^}]*\}/g, '*'),
    ];
  if (ts.isObjectLiteralExpression(expression)) {
    const property = expression.properties.find((each) => each.name?.getText() === 'code');
    if (property === undefined) return [];
    return ts.isPropertyAssignment(property) ? codesOf(property.initializer) : [];
  }
  return ts.isIdentifier(expression) && HANDED_ON.has(expression.text) ? [] : undefined;
}

/** Names under which a code of somebody else is passed along, and whole entries. */
const HANDED_ON: ReadonlySet<string> = new Set(['code', 'about', 'line']);
