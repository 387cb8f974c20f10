/** Shows how far a load is: a bar that is drawn anew on a terminal, a line every few seconds elsewhere. */
export class ProgressDisplay {
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  readonly #began = performance.now();
  #timer: NodeJS.Timeout;
  #bytes = 0;
  #resources = 0;
  #failures = 0;

  /** @param total bytes to load in all */
  constructor(total: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = Math.max(1, total);
    this.#stream = stream;
    this.#timer = setInterval(() => this.#show(), stream.isTTY ? 200 : 5000);
    this.#timer.unref();
  }

  add(bytes: number, resources: number, failed: boolean): void {
    this.#bytes += bytes;
    this.#resources += resources;
    if (failed) this.#failures++;
  }

  /** Writes a line without spoiling the bar. */
  line(text: string): void {
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
    if (this.#stream.isTTY) this.#show();
  }

  /** Draws the end and stops. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#stream.isTTY) {
      this.#show();
      this.#stream.write('\n');
    }
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  get resources(): number {
    return this.#resources;
  }

  #show(): void {
    const share = Math.min(1, this.#bytes / this.#total);
    const rate = this.#resources / Math.max(0.001, this.seconds);
    const left = share === 0 ? '' : `  ${clock((this.seconds / share) * (1 - share))} left`;
    const text = `${(share * 100).toFixed(0).padStart(3)} %  ${count(this.#resources)} resources  ${count(rate)}/s${left}${
      this.#failures === 0 ? '' : `  ${this.#failures} failed`
    }`;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    const width = Math.max(10, Math.min(40, (this.#stream.columns ?? 80) - text.length - 4));
    const filled = Math.round(width * share);
    this.#stream.write(`\r\x1b[K[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${text}`);
  }
}

/** A whole number with thousands separated. */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const rest = String(whole % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}
