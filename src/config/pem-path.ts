import { z } from 'zod';
import { isPemText, PEM_TEXT_REMEDY } from '../core/pem-text.js';
import type { Field } from './field.js';

/** The path of a PEM file. The text of one is refused, and is not shown: it may be a private key. */
export function pemPath(description: string): Field<string> {
  const value = z
    .string()
    .trim()
    .regex(/^(?!.*:\/\/)[^\0]{1,4096}$/)
    .refine((given) => !isPemText(given));
  return {
    description,
    allowed: 'the path of a PEM file',
    remedyFor: (given) => (isPemText(given) ? PEM_TEXT_REMEDY : undefined),
    defaultText: 'none',
    value,
    text: value,
  };
}
