import type { Environment } from './environment.ts';
import type { TypeName } from './model.ts';
import { type Item, systemKind } from './values.ts';

/**
 * FHIRPath 6.3: whether an item is of a type or of one that derives from it. Leniently a primitive of FHIR is of
 * FHIRPath's type of its values too (`value is Boolean`), and `DateTime` is `dateTime`.
 */
export function isOf(item: Item, type: TypeName, { model, isLenient }: Environment): boolean {
  if (model.isOf(item, type)) return true;
  if (!isLenient || item.kind !== 'Node' || type.namespace !== 'System') return false;
  if (!model.isPrimitive(item.type)) return false;
  return systemKind(item.type) === type.name || item.type.toLowerCase() === type.name.toLowerCase();
}
