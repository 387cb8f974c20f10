import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Where certificate and key are. */
export interface TlsFiles {
  /** VESTA_TLS_CERT: the certificate and those between it and the authority's, in PEM. */
  readonly certificate: string;
  /** VESTA_TLS_KEY: its private key, in PEM. */
  readonly key: string;
}

/** Thrown for a certificate or key that cannot be used; the message names the file. */
export class TlsError extends Error {}

/**
 * Key exchanges that keep what was recorded secret when the certificate's key is lost, with authenticated encryption:
 * those of TLS 1.3 first, then those of TLS 1.2.
 */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** What the two settings say. @throws TlsError when only one of them is there */
export function tlsFiles(config: {
  readonly tlsCertificate?: string | undefined;
  readonly tlsKey?: string | undefined;
}): TlsFiles | undefined {
  const { tlsCertificate, tlsKey } = config;
  if (tlsCertificate === undefined && tlsKey === undefined) return undefined;
  if (tlsCertificate === undefined || tlsKey === undefined)
    throw new TlsError('VESTA_TLS_CERT and VESTA_TLS_KEY belong together: one of them is missing');
  return { certificate: tlsCertificate, key: tlsKey };
}

/**
 * Options of a TLS server (RFC 9325): version 1.2 at least, 1.3 preferred.
 * @throws TlsError when a file cannot be read, is not what it should be, or the two do not belong together
 */
export function tlsOptions(files: TlsFiles): SecureContextOptions {
  const cert = read(files.certificate, 'VESTA_TLS_CERT');
  const key = read(files.key, 'VESTA_TLS_KEY');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    throw new TlsError(`VESTA_TLS_CERT: ${files.certificate} holds no certificate in PEM`);
  }
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new TlsError(`VESTA_TLS_KEY: ${files.key} holds no private key in PEM without a password`);
  }
  if (!matches) throw new TlsError(`${files.key} is not the key of the certificate in ${files.certificate}`);
  const options: SecureContextOptions = {
    cert,
    key,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    honorCipherOrder: true,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new TlsError(`${files.certificate} cannot be used: ${(error as Error).message}`);
  }
  return options;
}

/** A text that is another one when one of the files is. @throws TlsError when one cannot be read */
export function fingerprint(files: TlsFiles): string {
  const hash = createHash('sha256');
  for (const [file, name] of [
    [files.certificate, 'VESTA_TLS_CERT'],
    [files.key, 'VESTA_TLS_KEY'],
  ] as const) {
    hash.update(read(file, name)).update('\0');
  }
  return hash.digest('hex');
}

function read(file: string, name: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TlsError(`${name}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
