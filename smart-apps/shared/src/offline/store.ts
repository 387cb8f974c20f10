/*
 * What was last seen, on the device: one entry for each app and person in IndexedDB, encrypted by a key that the browser
 * keeps and hands to nobody (Web Cryptography API, non-extractable AES-GCM). It is gone when the person signs out.
 */

const DATABASE = 'vesta';
const STORE = 'seen';

export interface Kept<T> {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly value: T;
}

interface Sealed {
  readonly key: CryptoKey;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly data: ArrayBuffer;
  readonly at: number;
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within<T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** Keeps a value that structured JSON can hold in place of what was there. */
export async function keep(name: string, value: unknown): Promise<void> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify(value));
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain);
  const sealed: Sealed = { key, iv, data, at: Date.now() };
  await within('readwrite', (store) => store.put(sealed, name));
}

/** What is kept; undefined when there is nothing, or when it cannot be opened any more. */
export async function kept<T>(name: string): Promise<Kept<T> | undefined> {
  try {
    const sealed = await within<Sealed | undefined>('readonly', (store) => store.get(name));
    if (sealed === undefined) return undefined;
    const { key, iv, data, at } = sealed;
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, data);
    return { at, value: JSON.parse(new TextDecoder().decode(plain)) as T };
  } catch {
    return undefined;
  }
}

export async function forget(name: string): Promise<void> {
  await within('readwrite', (store) => store.delete(name)).catch(() => {});
}
